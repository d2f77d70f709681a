//! A server that is none.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of it")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// The port of a server on loopback that answers what it hears first with `answer`, then nothing.
pub fn fake(answer: &'static [u8]) -> u16 {
    serve(answer, true)
}

/// The port of a server on loopback that says `greeting` to whoever comes, then nothing.
pub fn greeter(greeting: &'static [u8]) -> u16 {
    serve(greeting, false)
}

fn serve(said: &'static [u8], hears_first: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if hears_first {
                let _ = stream.read(&mut [0; 64]);
            }
            let _ = stream.write_all(said);
            kept.push(stream);
        }
    });
    port
}
