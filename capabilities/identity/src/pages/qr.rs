//! A QR code as an inline picture: one path, black on white, with the quiet margin readers need.

use std::fmt::Write as _;

use hufu_kernel::shell::Html;
use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of white round the code.
const MARGIN: i32 = 4;

/// Empty when the text does not fit.
pub(super) fn svg(text: &str) -> Html {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return Html::default() };
    let side = code.size() + 2 * MARGIN;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(path, "M{} {}h1v1h-1z", x + MARGIN, y + MARGIN);
        }
    }
    Html::trusted(format!(
        "<svg role=\"img\" aria-label=\"绑定二维码\" viewBox=\"0 0 {side} {side}\" width=\"192\" height=\"192\" shape-rendering=\"crispEdges\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners() {
        let picture = svg("otpauth://totp/x?secret=AAAA");
        assert!(picture.as_str().contains("M4 4h1v1h-1z"));
        assert!(svg(&"x".repeat(5000)).is_empty());
    }
}
