//! The whole application over a real engine on a temporary database.

mod api;
mod lab;
mod pages;
mod safety;
