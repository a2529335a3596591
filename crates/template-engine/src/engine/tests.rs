use minijinja::context;

use super::*;

const LIMITS: Limits = Limits { fuel: 10_000, bytes: 1_000, time: Duration::from_secs(5) };

fn rendered(source: &str) -> Result<String, String> {
    let context = context! { label => "a<b>\n'c';", none => Value::from(()) };
    render(Purpose::Document(TemplateFormat::Xml), source, context, LIMITS).map_err(|error| error.to_string())
}

#[test]
fn the_escaper_cannot_be_disabled() {
    for source in [
        "{{ label }}",
        "{% autoescape false %}{{ label }}{% endautoescape %}",
        "{% set x %}{{ label }}{% endset %}{{ x }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(label) }}",
        "{{ [label]|join }}",
        "{{ label ~ '' }}",
    ] {
        assert_eq!(rendered(source).as_deref(), Ok("a&lt;b&gt;&#10;&#39;c&#39;;"), "{source}");
    }
    for source in ["{{ label|safe }}", "{{ label|escape }}", "{{ label|e }}"] {
        assert!(rendered(source).unwrap_err().contains("filter"), "{source}");
    }
}

#[test]
fn undefined_values_and_exceeded_limits_are_errors() {
    assert_eq!(rendered("\n{% for %}").unwrap_err().get(..7), Some("line 2:"));
    assert!(rendered("{{ nothing }}").unwrap_err().contains("undefined"));
    assert!(rendered("{{ none }}").unwrap_err().contains("null"));
    assert!(rendered("{{ [1, 2] }}").unwrap_err().contains("several"));
    assert!(rendered("{% include 'x' %}").is_err());
    assert_eq!(
        rendered("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}").unwrap_err(),
        "line 1: it takes too many steps"
    );
    assert_eq!(rendered("{{ 'x' * 1001 }}").unwrap_err(), "the document would be longer than 1000 bytes");
    assert_eq!(rendered("x\n").as_deref(), Ok("x\n"));
}

/// Statements that double `x` in a namespace, many times.
fn doubled(step: &str) -> String {
    format!(
        "{{% set ns = namespace(x='0123456789') %}}{{% for i in range(60) %}}{step}{{% endfor %}}{{{{ ns.x|length }}}}"
    )
}

#[test]
fn values_do_not_grow_without_limit() {
    for source in [
        doubled("{% set ns.x = ns.x ~ ns.x %}"),
        doubled("{% set ns.x = ns.x + ns.x %}"),
        doubled("{% set ns.x = ns.x * 2 %}"),
        doubled("{% set ns.x = [ns.x, ns.x]|join %}"),
        doubled("{% set ns.x = ns.x|replace('0', ns.x) %}"),
        doubled("{% set ns.x = (ns.x ~ '\\n' ~ ns.x)|indent(900, first=true) %}"),
        doubled("{% set ns.x = '%s%s'|format(ns.x, ns.x) %}"),
        doubled("{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}"),
        doubled("{% set ns.x = [ns.x, ns.x] %}"),
        doubled("{% set ns.x = (ns.x, ns.x) %}"),
        doubled("{% set ns.x = {'a': ns.x, 'b': ns.x} %}"),
        doubled("{% set ns.x = [ns.x]|list + [ns.x]|list %}"),
        doubled("{% set ns.x = namespace(y=ns.x) %}"),
        doubled("{% set ns.x = ns %}"),
        doubled("{% set ns.x = [ns] %}"),
        "{% set x = 'ab' %}".to_owned() + &"{% set x = x ~ x %}".repeat(60) + "{{ x|length }}",
        "{% set x = [1] %}".to_owned() + &"{% set x = [x, x] %}".repeat(60) + "{{ x == x }}",
        "{% set x = [1] %}".to_owned() + &"{% set x = x + x %}".repeat(60) + "{{ x|list|length }}",
        "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('ab') }}".to_owned(),
        "{% macro m(x) %}{{ x }}{{ m(x) }}{{ m(x) }}{% endmacro %}{{ m('ab') }}".to_owned(),
        "{% for x in [[1]] recursive %}{{ loop(x ~ x) }}{% endfor %}".to_owned(),
        "{{ 'x' * 100000000 }}".to_owned(),
        "{{ ('x' * 99999999) ~ ('x' * 99999999) }}".repeat(50),
        "{{ [1] * 100000000 }}".to_owned(),
        "{{ ([1] * 100000000)|length }}".to_owned(),
        "{{ '%99999999d'|format(1) }}".to_owned(),
        "{{ '%*d'|format(99999999, 1) }}".to_owned(),
        "{{ 'x'|indent(999999999, first=true) }}".to_owned(),
        "{{ 'x'|indent(width=999999999, first=true) }}".to_owned(),
        "{{ [1]|batch(999999999, 'x')|length }}".to_owned(),
        "{{ range(99999)|join('x' * 9999)|length }}".to_owned(),
        "{{ 'x'|replace('', 'y' * 200000)|length }}".to_owned(),
        "{% set t %}{% for a in range(9999) %}{% for b in range(9999) %}some text of the source{% endfor %}{% endfor %}{% endset %}"
            .to_owned(),
        "{% filter upper %}{% for a in range(99999) %}text text text text{% endfor %}{% endfilter %}".to_owned(),
        "{{ debug() }}".to_owned(),
    ] {
        let limits = Limits { fuel: 300_000, bytes: 100_000, time: Duration::from_secs(20) };
        for purpose in [Purpose::Document(TemplateFormat::Text), Purpose::Document(TemplateFormat::Json), Purpose::Instructions]
        {
            let outcome = render(purpose, &source, context! {}, limits);
            let text = outcome.as_ref().map_or_else(|error| error.message.as_str(), |text| &text[..text.len().min(80)]);
            assert!(outcome.is_err(), "{source}: {text}");
        }
    }
}

#[test]
fn deep_nesting_ends_with_an_error() {
    for source in [
        format!("{{{{ {}1 }}}}", "-".repeat(20_000)),
        format!("{{{{ 1{} }}}}", "+1".repeat(30_000)),
        format!("{{{{ {}1{} }}}}", "(".repeat(900), ")".repeat(900)),
        format!("{}{}", "{% if 1 %}".repeat(5_000), "{% endif %}".repeat(5_000)),
    ] {
        assert!(rendered(&source).is_err());
        assert!(!uses_variable(&source, &["x"]));
    }
    // Just below the limits.
    for source in [
        format!("{{{{ {}1 }}}}", "-".repeat(990)),
        format!("{{{{ 1{} }}}}", "+1".repeat(490)),
        format!("{{{{ {}1 }}}}", "not ".repeat(990)),
        format!("{{{{ {}1{} }}}}", "(".repeat(30), ")".repeat(30)),
        format!("{{{{ {}1 }}}}", "1 if 0 else ".repeat(240)),
        format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(200)),
        format!("{}{}", "{% if 1 %}".repeat(60), "{% endif %}".repeat(60)),
    ] {
        assert!(rendered(&source).is_ok(), "{}: {:?}", &source[..30], rendered(&source));
        assert!(!uses_variable(&source, &["x"]));
    }
}

#[test]
fn the_time_is_limited() {
    let limits = Limits { fuel: u64::MAX >> 1, bytes: 1_000, time: Duration::from_millis(50) };
    let source = "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a == b %}{% endfor %}{% endfor %}";
    let error = render(Purpose::Document(TemplateFormat::Text), source, context! {}, limits).unwrap_err();
    assert!(error.message.ends_with("it takes too long"), "{error}");
}

#[test]
fn ordinary_templates_render_as_before() {
    for (source, expected) in [
        (
            "{{ 2 * 3 }} {{ 2.5 * 2 }} {{ -2 * 3 }} {{ '-' * 5 }} {{ 3 * 'ab' }} {{ 2 ** 8 }}",
            "6 5.0 -6 ----- ababab 256",
        ),
        ("{% set ns = namespace(n=0) %}{% for i in range(5) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "10"),
        ("{% for a, b in [(1, 2), (3, 4)] %}{{ a * b }},{% else %}none{% endfor %}", "2,12,"),
        (
            "{% for a in range(9) if a is odd %}{{ loop.index }}:{{ a }}{% if not loop.last %},{% endif %}{% endfor %}",
            "1:1,2:3,3:5,4:7",
        ),
        ("{% macro m(x, y=2) %}<{{ x }}{{ y }}>{% endmacro %}{{ m('&') }}{{ m(1, y=3) }}", "<&amp;2><13>"),
        ("{% set x %}<{{ '&' }}>{% endset %}{{ x }}{{ x|replace('<', '') }}", "<&amp;>&amp;>"),
        ("{{ ['a', 'b']|join('-') }} {{ 'a b'|replace(' ', '_') }} {{ 'a\nb'|indent(2)|length }}", "a-b a_b 5"),
        ("{{ '%03d %s'|format(7, 'x') }} {{ [1, 2, 3]|batch(2)|map('join')|join(',') }}", "007 x 12,3"),
        ("{% if label is defined and label|length > 3 or false %}yes{% elif 1 %}no{% endif %}", "yes"),
        ("{{ none or 'd' }}{{ nothing|default('e') }}{{ {'a': [1, 2]}.a[1] }}{{ 'abc'[1:] }}", "de2bc"),
        (
            "{% for x in [1, [2, [3]]] recursive %}{% if x is sequence %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}",
            "1(2(3))",
        ),
        (
            "{% with a = 1 %}{{ a }}{% endwith %}{% filter upper %}x{% endfilter %}{% raw %}{{ y }}{% endraw %}",
            "1X{{ y }}",
        ),
        ("{% block b %}in{% endblock %}{# comment #}{{- ' x' }}", "in x"),
        ("{{ 1 < 2 < 3 }}{{ 1 in [1, 2] }}{{ 'a' if false else 'b' }}", "truetrueb"),
    ] {
        let found = rendered(source);
        assert_eq!(found.as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn a_line_is_named_in_an_error() {
    for (source, line) in
        [("a\n\n{{ nothing }}", 3), ("{% set a = 1 %}\n{{ a|missing }}", 2), ("x\n{{ 'a' * 999999 }}", 2)]
    {
        let error = render(Purpose::TriedInstructions, source, context! {}, Limits::INSTRUCTIONS).unwrap_err();
        assert_eq!(error.line, Some(line), "{error}");
    }
}

#[test]
fn instructions_are_lenient_only_when_they_are_read() {
    let source = "{{ number }} {{ parameters.nope }} {{ [1, 'a'] }} {{ none }}\n";
    let context = context! { number => "2342", parameters => context! {} };
    let text = render(Purpose::Instructions, source, context.clone(), Limits::INSTRUCTIONS).unwrap();
    assert_eq!(text, "2342  [1, 'a'] None");
    let error = render(Purpose::TriedInstructions, source, context, Limits::INSTRUCTIONS).unwrap_err();
    assert!(error.message.contains("undefined"), "{error}");
}
