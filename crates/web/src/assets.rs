//! The files that pages load: the style sheet, the script, the icon. Their addresses hold a hash of their content, so
//! that browsers keep them for good and never use an old one.

use std::future::{Ready, ready};
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::Digest as _;

use crate::WebError;

/// A file that is embedded in the binary.
struct Asset {
    /// Its name in addresses.
    file: String,
    mime: &'static str,
    body: &'static str,
}

/// The addresses of the files.
pub(crate) struct Addresses {
    pub(crate) css: String,
    pub(crate) js: String,
    pub(crate) icon: String,
}

/// The style sheet.
pub(crate) const CSS: &str = include_str!("../static/app.css");
const JS: &str = include_str!("../static/app.js");
const ICON: &str = include_str!("../static/icon.svg");

static CSS_ASSET: LazyLock<Asset> = LazyLock::new(|| asset("app", "css", "text/css; charset=utf-8", CSS));
static JS_ASSET: LazyLock<Asset> = LazyLock::new(|| asset("app", "js", "text/javascript; charset=utf-8", JS));
static ICON_ASSET: LazyLock<Asset> = LazyLock::new(|| asset("icon", "svg", "image/svg+xml", ICON));

pub(crate) static ADDRESSES: LazyLock<Addresses> = LazyLock::new(|| Addresses {
    css: format!("/static/{}", CSS_ASSET.file),
    js: format!("/static/{}", JS_ASSET.file),
    icon: format!("/static/{}", ICON_ASSET.file),
});

fn asset(stem: &str, ending: &str, mime: &'static str, body: &'static str) -> Asset {
    let hash: String = sha2::Sha256::digest(body).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Asset { file: format!("{stem}.{hash}.{ending}"), mime, body }
}

/// The routes of the files.
pub fn routes() -> Router {
    Router::new().route("/static/{file}", get(serve))
}

fn serve(Path(file): Path<String>) -> Ready<Result<Response, WebError>> {
    let known = [&*CSS_ASSET, &*JS_ASSET, &*ICON_ASSET].into_iter().find(|asset| asset.file == file);
    let asset = known.ok_or_else(|| WebError::not_found("There is no such file."));
    ready(asset.map(|asset| {
        let headers = [
            (header::CONTENT_TYPE, asset.mime),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        (headers, asset.body).into_response()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The tokens of the style sheet: name to light and dark colour.
    fn tokens() -> BTreeMap<&'static str, [&'static str; 2]> {
        let mut all = BTreeMap::new();
        for part in CSS.split("--").skip(1) {
            let Some((name, rest)) = part.split_once(": light-dark(") else { continue };
            let Some((pair, _)) = rest.split_once(')') else { continue };
            let (light, dark) = pair.split_once(", ").unwrap();
            all.insert(name, [light, dark]);
        }
        all
    }

    fn luminance(colour: &str) -> f64 {
        let channel = |from: usize| {
            let value = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_pair_can_be_read() {
        let tokens = tokens();
        let check = |text: &str, ground: &str, least: f64| {
            for (text_colour, ground_colour) in tokens[text].iter().zip(tokens[ground]) {
                let contrast = contrast(text_colour, ground_colour);
                assert!(
                    contrast >= least,
                    "{text} on {ground}, {text_colour}: {contrast:.2}; expected {least}"
                );
            }
        };
        for ground in ["page", "card", "sunk"] {
            for text in ["text", "muted", "link"] {
                check(text, ground, 4.5);
            }
        }
        check("on-accent", "accent", 4.5);
        for status in ["pass", "fail", "unknown", "stale", "excepted", "na"] {
            check(status, &format!("{status}-bg"), 4.5);
            check(status, "card", 4.5);
            check(status, "sunk", 4.5);
            check(&format!("{status}-ink"), "card", 3.0);
        }
        check("edge", "card", 3.0);
        check("accent", "card", 3.0);
    }

    #[test]
    fn files_are_small_and_carry_nothing_from_elsewhere() {
        assert!(CSS.len() <= 20_480, "{} bytes", CSS.len());
        assert!(JS.len() <= 10_240, "{} bytes", JS.len());
        for body in [CSS, JS, ICON] {
            assert!(!body.replace("http://www.w3.org/2000/svg", "").contains("http"));
        }
        assert!(!JS.contains("innerHTML") && !JS.contains("eval("));
        assert!(
            ADDRESSES.css.starts_with("/static/app.")
                && ADDRESSES.css.len() == "/static/app.0123456789ab.css".len()
        );
    }
}
