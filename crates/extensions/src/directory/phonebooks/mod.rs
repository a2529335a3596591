//! Phonebook files of the directory: vCard 4, and the XML formats of Yealink, Snom, Cisco and Grandstream.
//!
//! Each format is a template in this directory with the same escaping as the templates of service types.

use minijinja::value::Serde;
use platform::error::{Error, InternalError};
use serde::Serialize;
use templates::{Limits, TemplateFormat};

use super::export::{Export, ExportEntry};

/// Maximum number of entries on one page for a Cisco telephone.
const CISCO_PAGE_SIZE: usize = 32;

/// Maximum length of a vCard line in bytes, without its line break (RFC 6350, section 3.2).
const MAX_VCARD_LINE_BYTES: usize = 75;

/// Format of a phonebook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phonebook {
    Vcard,
    Yealink,
    Snom,
    /// Paginated, 32 entries per page.
    Cisco,
    Grandstream,
}

/// Request for a phonebook.
#[derive(Clone, Copy, Debug)]
pub struct PhonebookRequest<'a> {
    pub kind: Phonebook,
    /// Title of the phonebook: the name of the event.
    pub title: &'a str,
    /// URL of the file, for the links between pages.
    pub address: &'a str,
    /// Number of the page, from 1.
    pub page: usize,
}

/// Template context of a phonebook.
#[derive(Serialize)]
struct PhonebookContext<'a> {
    title: &'a str,
    entries: &'a [PhonebookEntry<'a>],
    /// Positions of the first and the last entry of the page, from 1; 0 for an empty page.
    first: usize,
    last: usize,
    total: usize,
    next: Option<String>,
    previous: Option<String>,
}

/// Template context of an entry.
#[derive(Serialize)]
struct PhonebookEntry<'a> {
    /// The id of the extension as a UUID, which stays the same when the number changes.
    id: String,
    number: &'a str,
    label: &'a str,
    service_type: &'a str,
}

impl Phonebook {
    /// Returns the format of a file name suffix, which follows the slug of the event and a dot.
    pub fn from_suffix(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "vcf" => Self::Vcard,
            "yealink.xml" => Self::Yealink,
            "snom.xml" => Self::Snom,
            "cisco.xml" => Self::Cisco,
            "grandstream.xml" => Self::Grandstream,
            _ => return None,
        })
    }

    const fn source(self) -> &'static str {
        match self {
            Self::Vcard => include_str!("vcard.vcf"),
            Self::Yealink => include_str!("yealink.xml"),
            Self::Snom => include_str!("snom.xml"),
            Self::Cisco => include_str!("cisco.xml"),
            Self::Grandstream => include_str!("grandstream.xml"),
        }
    }

    const fn format(self) -> TemplateFormat {
        match self {
            Self::Vcard => TemplateFormat::Vcard,
            _ => TemplateFormat::Xml,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Vcard => "text/vcard; charset=utf-8; version=4.0",
            // Cisco telephones require this type; the others accept it.
            _ => "text/xml; charset=utf-8",
        }
    }

    /// Returns whether the format has pages.
    pub const fn is_paged(self) -> bool {
        self.page_size().is_some()
    }

    /// Returns the maximum number of entries per page; `None` for a format without pages.
    const fn page_size(self) -> Option<usize> {
        match self {
            Self::Cisco => Some(CISCO_PAGE_SIZE),
            _ => None,
        }
    }
}

/// Renders the entries as a phonebook; `None` for a page that does not exist.
///
/// # Errors
/// When the template fails, which no entry causes.
pub fn phonebook(request: PhonebookRequest<'_>, entries: &[ExportEntry]) -> Result<Option<Export>, Error> {
    let PhonebookRequest { kind, title, address, page } = request;
    let size = kind.page_size().unwrap_or(usize::MAX);
    let begin = page.saturating_sub(1).saturating_mul(size);
    if page == 0 || (page > 1 && begin >= entries.len()) {
        return Ok(None);
    }
    let end = begin.saturating_add(size).min(entries.len());
    let page_entries: Vec<PhonebookEntry<'_>> = entries[begin..end].iter().map(phonebook_entry).collect();
    let page_url = |page: usize| format!("{address}?page={page}");
    let context = PhonebookContext {
        title,
        first: if page_entries.is_empty() { 0 } else { begin + 1 },
        last: end,
        total: entries.len(),
        next: (end < entries.len()).then(|| page_url(page + 1)),
        previous: (page > 1).then(|| page_url(page - 1)),
        entries: &page_entries,
    };
    let text = templates::render(kind.format(), kind.source(), Serde(&context).into(), Limits::FEED)
        .map_err(|error| InternalError::new(format!("the phonebook's template fails: {error}")))?;
    let body = if kind == Phonebook::Vcard { fold_lines(&text) } else { text };
    Ok(Some(Export::new(kind.content_type(), body.into_bytes())))
}

fn phonebook_entry(entry: &ExportEntry) -> PhonebookEntry<'_> {
    PhonebookEntry {
        id: entry.id.0.hyphenated().to_string(),
        number: &entry.number,
        label: &entry.label,
        service_type: &entry.service_type,
    }
}

/// Ends the lines of vCards with CRLF, and folds long lines between characters (RFC 6350, section 3.2).
fn fold_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.lines() {
        let mut length = 0;
        for character in line.chars() {
            if length + character.len_utf8() > MAX_VCARD_LINE_BYTES {
                out.push_str("\r\n ");
                length = 1;
            }
            out.push(character);
            length += character.len_utf8();
        }
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use platform::ids::ExtensionId;

    const HOSTILE: [&str; 6] = [
        "Bob \"B\" <x>; [evil]",
        "</Name><Telephone>112</Telephone><Name>",
        "]]><!-- & -->",
        "x\\nTEL:112",
        "a,b;c\\",
        "{{ 7*7 }} 本部 Straße",
    ];

    const KINDS: [Phonebook; 5] =
        [Phonebook::Vcard, Phonebook::Yealink, Phonebook::Snom, Phonebook::Cisco, Phonebook::Grandstream];

    fn entry(number: usize, label: &str) -> ExportEntry {
        ExportEntry {
            id: ExtensionId(Uuid::from_u128(number as u128)),
            number: number.to_string(),
            label: label.to_owned(),
            service_type: "sip".to_owned(),
            highlighted: false,
        }
    }

    fn book(kind: Phonebook, entries: &[ExportEntry], page: usize) -> Option<String> {
        let request = PhonebookRequest {
            kind,
            title: "Camp & <co>",
            address: "https://a.example/directory/camp.cisco.xml",
            page,
        };
        phonebook(request, entries).unwrap().map(|export| String::from_utf8(export.body).unwrap())
    }

    /// Parses names and numbers of vCards: unfolds, splits and unescapes lines (RFC 6350, sections 3.2 to 3.4).
    fn read_vcards(text: &str) -> Vec<(String, String)> {
        assert!(text.split("\r\n").all(|line| line.len() <= MAX_VCARD_LINE_BYTES && !line.contains('\n')), "{text}");
        let unfolded = text.replace("\r\n ", "");
        let cards = unfolded.split("BEGIN:VCARD\r\n").skip(1);
        cards
            .map(|card| {
                let lines: Vec<&str> = card.trim_end().split("\r\n").collect();
                let names: Vec<&str> = lines.iter().map(|line| line.split([':', ';']).next().unwrap()).collect();
                assert_eq!(names, ["VERSION", "UID", "FN", "N", "TEL", "CATEGORIES", "END"], "{card}");
                assert!(lines[1].starts_with("UID:urn:uuid:00000000-0000-0000-0000-"));
                // RFC 6350, section 6.2.2: the label is the family name, the other components are empty.
                let family_name = lines[3].strip_prefix("N:").unwrap().strip_suffix(";;;;").unwrap();
                assert_eq!(family_name, &lines[2][3..]);
                (unescaped(&lines[2][3..]), lines[4].rsplit(':').next().unwrap().to_owned())
            })
            .collect()
    }

    fn unescaped(text: &str) -> String {
        let (mut out, mut characters) = (String::new(), text.chars());
        while let Some(character) = characters.next() {
            match character {
                '\\' => out.push(match characters.next().unwrap() {
                    'n' => '\n',
                    other => other,
                }),
                ',' | ';' => panic!("a bare separator in {text}"),
                other => out.push(other),
            }
        }
        out
    }

    fn read_xml(text: &str) -> Vec<(String, String)> {
        let document = roxmltree::Document::parse(text).unwrap();
        let texts = |names: &[&str]| -> Vec<String> {
            let found = document.descendants().filter(|node| names.contains(&node.tag_name().name()));
            found
                .filter(|node| {
                    ["DirectoryEntry", "Contact", "Phone"].contains(&node.parent().unwrap().tag_name().name())
                })
                .map(|node| node.text().unwrap_or_default().to_owned())
                .collect()
        };
        texts(&["Name", "LastName"]).into_iter().zip(texts(&["Telephone", "phonenumber"])).collect()
    }

    #[test]
    fn a_hostile_label_is_only_a_name() {
        let entries: Vec<_> = HOSTILE.iter().enumerate().map(|(at, label)| entry(2342 + at, label)).collect();
        for kind in KINDS {
            let text = book(kind, &entries, 1).unwrap();
            let read = if kind == Phonebook::Vcard { read_vcards(&text) } else { read_xml(&text) };
            let cut = |label: &str| {
                if kind == Phonebook::Cisco { label.chars().take(32).collect() } else { label.to_owned() }
            };
            let expected: Vec<_> = entries.iter().map(|entry| (cut(&entry.label), entry.number.clone())).collect();
            assert_eq!(read, expected, "{kind:?}: {text}");
        }
    }

    #[test]
    fn a_cisco_phonebook_has_pages() {
        let entries: Vec<_> = (0..70).map(|at| entry(2000 + at, "x")).collect();
        let keys = |text: &str| {
            let document = roxmltree::Document::parse(text).unwrap();
            let urls = document.descendants().filter(|node| node.has_tag_name("URL")).filter_map(|node| node.text());
            urls.filter_map(|url| url.strip_prefix("https://a.example/directory/camp.cisco.xml"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let pages: Vec<_> = (1..=3).map(|page| book(Phonebook::Cisco, &entries, page).unwrap()).collect();
        assert_eq!(pages.iter().map(|page| read_xml(page).len()).collect::<Vec<_>>(), [32, 32, 6]);
        assert_eq!(
            pages.iter().map(|page| keys(page)).collect::<Vec<_>>(),
            [vec!["?page=2"], vec!["?page=3", "?page=1"], vec!["?page=2"]]
        );
        assert!(pages[2].contains("<Prompt>65 to 70 of 70</Prompt>"));
        assert_eq!((book(Phonebook::Cisco, &entries, 4), book(Phonebook::Cisco, &entries, 0)), (None, None));
        assert!(book(Phonebook::Cisco, &[], 1).unwrap().contains("0 to 0 of 0"));
    }

    #[test]
    fn an_empty_directory_is_a_valid_file() {
        for kind in KINDS {
            let text = book(kind, &[], 1).unwrap();
            if kind == Phonebook::Vcard {
                assert_eq!(text, "");
            } else {
                assert_eq!(read_xml(&text), []);
            }
        }
    }

    #[test]
    fn a_long_name_is_folded_between_characters() {
        let label = "本部".repeat(32);
        let text = book(Phonebook::Vcard, &[entry(2342, &label)], 1).unwrap();
        assert_eq!(read_vcards(&text), [(label, "2342".to_owned())]);
    }
}
