//! Icons, drawn for Octro on a grid of 16. They are ornaments: the word beside them says it.

use maud::{Markup, html};

/// An icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what is drawn")]
pub enum Icon {
    Mark,
    Search,
    History,
    Flask,
    Home,
    Shield,
    Check,
    Box,
    Store,
    Certificate,
    Globe,
    Eye,
    Rows,
    Plug,
    Calendar,
    Compass,
    Seal,
    Book,
    File,
    Horn,
    Folder,
    Download,
    Play,
    Alert,
    // Statuses: each has a shape of its own.
    Pass,
    Fail,
    Unknown,
    Stale,
    Excepted,
    NotApplicable,
}

/// Draws an icon.
pub fn icon(which: Icon) -> Markup {
    html! {
        svg.icon viewBox="0 0 16 16" aria-hidden="true" focusable="false" { path d=(path(which)) {} }
    }
}

const fn path(which: Icon) -> &'static str {
    match which {
        Icon::Mark => "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2zM5 8.2l2.2 2.2L11 6",
        Icon::Search => "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.4 10.4l3.6 3.6",
        Icon::History => "M2.6 5.5A6 6 0 1 1 2 8M2.2 2.5v3.2h3.2M8 5v3.3l2.3 1.4",
        Icon::Flask => "M6 2h4M6.7 2v4.2L3 13a1 1 0 0 0 .9 1.4h8.2A1 1 0 0 0 13 13L9.3 6.2V2M5 10.5h6",
        Icon::Home => "M2 7.5 8 2.3l6 5.2M3.5 6.6V13.5h9V6.6M6.7 13.3V9.5h2.6v3.8",
        Icon::Shield => "M8 1.7 13.3 3.5V8c0 3.2-2.2 5.3-5.3 6.4C4.9 13.3 2.7 11.2 2.7 8V3.5z",
        Icon::Check => "M2.5 2.5h11v11h-11zM5 8.2l2.1 2.1L11 6",
        Icon::Box => "M8 1.8l5.7 3.1v6.2L8 14.2l-5.7-3.1V4.9zM2.5 5 8 8l5.5-3M8 8v6",
        Icon::Store => {
            "M2.5 4c0-1.2 2.5-2 5.5-2s5.5.8 5.5 2v8c0 1.2-2.5 2-5.5 2s-5.5-.8-5.5-2zM2.5 4c0 1.2 2.5 2 5.5 2s5.5-.8 5.5-2M2.5 8c0 1.2 2.5 2 5.5 2s5.5-.8 5.5-2"
        }
        Icon::Certificate => {
            "M2.5 3h11v7h-4M6.5 10h-4V3M5 5.5h6M5 7.5h3M8 9a2 2 0 1 0 0 4 2 2 0 0 0 0-4M7 13v2l1-.6 1 .6v-2"
        }
        Icon::Globe => {
            "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M1.8 8h12.4M8 1.8c2 2 2.6 4 2.6 6.2S10 12.2 8 14.2C6 12.2 5.4 10.2 5.4 8S6 3.8 8 1.8"
        }
        Icon::Eye => {
            "M1.5 8C3.5 4.7 5.6 3.3 8 3.3s4.5 1.4 6.5 4.7c-2 3.3-4.1 4.7-6.5 4.7S3.5 11.3 1.5 8M8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4"
        }
        Icon::Rows => "M2.5 3.5h11M2.5 8h11M2.5 12.5h11",
        Icon::Plug => "M5.5 2v3.5M10.5 2v3.5M3.5 5.5h9V8a4.5 4.5 0 0 1-9 0zM8 12.5V15",
        Icon::Calendar => "M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 1.8v3M10.5 1.8v3",
        Icon::Compass => "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M10.6 5.4 9.2 9.2l-3.8 1.4 1.4-3.8z",
        Icon::Seal => {
            "M8 1.6a4.3 4.3 0 1 0 0 8.6 4.3 4.3 0 0 0 0-8.6M5.4 9.3 4.4 14.4 8 12.6l3.6 1.8-1-5.1M6.4 6l1.2 1.2L9.8 5"
        }
        Icon::Book => {
            "M3 2.5h8.5a1.5 1.5 0 0 1 1.5 1.5v10H4.5A1.5 1.5 0 0 1 3 12.5zM3 12.3A1.5 1.5 0 0 1 4.5 11H13"
        }
        Icon::File => "M3.5 1.8h6l3 3v9.4h-9zM9.3 2v3h3M5.8 8h4.4M5.8 10.7h4.4",
        Icon::Horn => "M2.5 6.5v3h2.3l6.7 3.2V3.3L4.8 6.5zM5.5 9.7l.8 3.8h1.7l-.6-3M13.5 6.8v2.4",
        Icon::Folder => "M1.8 3.5h4.4l1.5 1.7h6.5v8.3H1.8z",
        Icon::Download => "M8 2v7.5M4.8 6.6 8 9.7l3.2-3.1M2.5 13.5h11",
        Icon::Play => "M4.5 2.8v10.4L13 8z",
        Icon::Alert => "M8 1.8 14.8 13.7H1.2zM8 6.2v3.6M8 11.5v.4",
        Icon::Pass => "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M5 8.2l2.1 2.1L11.2 6",
        Icon::Fail => "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2zM5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6",
        Icon::Unknown => "M8 1 15 8l-7 7-7-7zM6.3 6.7a1.7 1.7 0 1 1 2.5 1.5c-.5.3-.8.6-.8 1.2M8 11.2v.3",
        Icon::Stale => "M4 1.7h8M4 14.3h8M4.8 1.7v2.5L8 8l3.2-3.8V1.7M4.8 14.3v-2.5L8 8l3.2 3.8v2.5",
        Icon::Excepted => "M8 1.7 13.3 3.5V8c0 3.2-2.2 5.3-5.3 6.4C4.9 13.3 2.7 11.2 2.7 8V3.5zM5.3 7.8h5.4",
        Icon::NotApplicable => "M2.5 8a5.5 5.5 0 1 0 11 0 5.5 5.5 0 0 0-11 0M4.2 11.8l7.6-7.6",
    }
}
