//! A server that is none.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// The port of a server on loopback that answers what it hears first with `answer`, then nothing.
pub fn fake(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(answer);
            kept.push(stream);
        }
    });
    port
}
