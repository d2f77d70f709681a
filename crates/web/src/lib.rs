//! The kit that pages are made of: the frame, components in maud, charts as SVG, parameters and moments from the
//! address, exports, errors, and the guard in front of everything. It knows what statuses are, but no part of Octro.

mod assets;
mod error;
mod guard;
mod moment;
mod params;
mod site;
pub mod ui;

pub use assets::routes as asset_routes;
pub use error::WebError;
pub use guard::{Guard, protect};
pub use maud::{Markup, html};
pub use moment::Moment;
pub use params::{Params, encode, key_path};
pub use site::{Crumb, Page, Section, Site, Tab};
