//! QR codes in SVG.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

use platform::error::InternalError;

/// The quiet zone around the code, in modules (ISO/IEC 18004, section 5.3.8).
const BORDER: i32 = 4;

/// Encodes a text as a QR code in SVG, black on white, one unit per module.
///
/// # Errors
/// For a text of more than about 2,000 bytes, the capacity of a code.
pub fn qr_code_svg(text: &str) -> Result<String, InternalError> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(InternalError::new)?;
    let side = code.size() + 2 * BORDER;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in 0..code.size() {
            if code.get_module(x, y) {
                write!(path, "M{},{}h1v1h-1z", x + BORDER, y + BORDER).map_err(InternalError::new)?;
            }
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::qr_code_svg;

    /// Draws the path with eight pixels per module and decodes the bitmap.
    fn decode(svg: &str) -> String {
        let document = roxmltree::Document::parse(svg).unwrap();
        let root = document.root_element();
        let side: usize = root.attribute("viewBox").unwrap().split(' ').nth(2).unwrap().parse().unwrap();
        let path = document.descendants().find(|node| node.has_tag_name("path")).and_then(|node| node.attribute("d"));
        let pixels = side * 8;
        let mut image = vec![255_u8; pixels * pixels];
        for module in path.unwrap().split('M').skip(1) {
            let (x, y) = module.split_once('h').unwrap().0.split_once(',').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            for row in y * 8..y * 8 + 8 {
                image[row * pixels + x * 8..row * pixels + x * 8 + 8].fill(0);
            }
        }
        let mut reader = quircs::Quirc::default();
        let codes: Vec<_> = reader.identify(pixels, pixels, &image).collect();
        assert_eq!(codes.len(), 1);
        String::from_utf8(codes[0].as_ref().unwrap().decode().unwrap().payload).unwrap()
    }

    #[test]
    fn the_code_decodes_to_the_address() {
        let address = "https://numbers.camp.example/device/dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(decode(&qr_code_svg(address).unwrap()), address);
        assert!(qr_code_svg(&"x".repeat(4000)).is_err());
    }
}
