//! Components: what pages are put together from. They know no HTTP.

mod chart;
mod csv;
mod filter;
mod flow;
mod icon;
mod list;
mod status;
mod text;
mod time;

pub use chart::{Bar, Stretch, bars, sparkline, strip};
pub use csv::csv;
pub use filter::{Choice, Filter, filters};
pub use flow::{Node, flow};
pub use icon::{Icon, icon};
pub use list::{Cell, Column, ROWS_MAX, Sheet};
pub use status::{badge, share, tally, tally_links, word};
pub use text::{code, copied, empty, facts, json, meter, note, section};
pub use time::{ago, span, time};
