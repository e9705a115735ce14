//! Bytes that the client of the other tests never sends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use csc_bridge_test_tds::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::support::*;

fn packet(kind: u8, status: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 8).to_be_bytes();
    [&[kind, status, length[0], length[1], 0, 0, 1, 0], payload].concat()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A batch with the header of a transaction that is not there.
fn batch(text: &str) -> Vec<u8> {
    [&[22, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0][..], &utf16(text)].concat()
}

async fn answer(socket: &mut TcpStream) -> Vec<u8> {
    let mut payload = Vec::new();
    loop {
        let mut header = [0; 8];
        socket.read_exact(&mut header).await.expect("the server answers");
        let mut part = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]])) - 8];
        socket.read_exact(&mut part).await.expect("the packet is whole");
        payload.extend_from_slice(&part);
        if header[1] & 1 == 1 {
            return payload;
        }
    }
}

const PRELOGIN: [u8; 7] = [1, 0, 6, 0, 1, 0xff, 2];

fn login() -> Vec<u8> {
    let mut fixed = vec![0; 94];
    fixed[4..8].copy_from_slice(&0x7400_0004u32.to_le_bytes());
    fixed[8..12].copy_from_slice(&4096u32.to_le_bytes());
    let password: Vec<u8> = utf16("Schlüssel;{}").into_iter().map(|byte| byte.rotate_left(4) ^ 0xa5).collect();
    for (place, value) in [(40, utf16("csc")), (44, password)] {
        let offset = fixed.len() as u16;
        fixed[place..place + 2].copy_from_slice(&offset.to_le_bytes());
        fixed[place + 2..place + 4].copy_from_slice(&(value.len() as u16 / 2).to_le_bytes());
        fixed.extend_from_slice(&value);
    }
    let length = fixed.len() as u32;
    fixed[..4].copy_from_slice(&length.to_le_bytes());
    fixed
}

async fn logged_in(server: &Server) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", server.port())).await.expect("the server listens");
    socket.write_all(&packet(18, 1, &PRELOGIN)).await.expect("it is sent");
    answer(&mut socket).await;
    socket.write_all(&packet(16, 1, &login())).await.expect("it is sent");
    let payload = answer(&mut socket).await;
    assert!(payload.contains(&0xad), "{payload:?}");
    socket
}

#[tokio::test]
async fn a_message_may_come_byte_by_byte_and_in_many_packets() {
    let memory: Arc<Memory> = Default::default();
    let server = start(&memory);
    let mut socket = logged_in(&server).await;
    socket.set_nodelay(true).expect("it can be set");
    let message = batch("ROWS 1");
    let pieces: Vec<&[u8]> = message.chunks(7).collect();
    for (place, piece) in pieces.iter().enumerate() {
        let last = u8::from(place + 1 == pieces.len());
        for byte in packet(1, last, piece) {
            socket.write_all(&[byte]).await.expect("it is sent");
        }
    }
    let payload = answer(&mut socket).await;
    assert_eq!(payload[0], 0x81);
    assert_eq!(server.log(), ["ROWS 1"]);
}

#[tokio::test]
async fn a_session_is_reset_before_the_request() {
    let memory: Arc<Memory> = Default::default();
    let server = start(&memory);
    let mut socket = logged_in(&server).await;
    socket.write_all(&packet(1, 1 | 8, &batch("TWO"))).await.expect("it is sent");
    let payload = answer(&mut socket).await;
    assert_eq!(payload[..6], [0xe3, 3, 0, 18, 0, 0]);
    assert_eq!(memory.resets.load(Ordering::SeqCst), 1);
}

/// An attention for what has been answered already has an answer of its own; one in the middle of a message takes it back.
#[tokio::test]
async fn an_attention_is_always_answered() {
    let server = start(&Default::default());
    let mut socket = logged_in(&server).await;
    socket.write_all(&packet(6, 1, &[])).await.expect("it is sent");
    assert_eq!(answer(&mut socket).await[..3], [0xfd, 0x20, 0]);
    socket.write_all(&packet(1, 0, &batch("ROWS 1"))).await.expect("it is sent");
    socket.write_all(&packet(6, 1, &[])).await.expect("it is sent");
    assert_eq!(answer(&mut socket).await[..3], [0xfd, 0x20, 0]);
    socket.write_all(&packet(1, 1, &batch("TWO"))).await.expect("it is sent");
    answer(&mut socket).await;
    assert_eq!(server.log(), ["TWO"]);
}

#[tokio::test]
async fn a_malformed_message_ends_the_connection_and_nothing_else() {
    let server = start(&Default::default());
    let headers = &batch("")[..];
    let rpc = |rest: &[u8]| [headers, rest].concat();
    let messages = [
        packet(1, 1, &[1, 2]),
        packet(1, 1, &[2, 0, 0, 0]),
        packet(1, 1, &[9, 0, 0, 0, 1, 0, 0, 0, 0]),
        packet(1, 1, &[&batch("A")[..], &[1]].concat()),
        packet(1, 1, &[&batch("A")[..], &[0, 0xd8]].concat()),
        packet(3, 1, &rpc(&[0xff, 0xff, 99, 0, 0, 0])),
        packet(3, 1, &rpc(&[0xff, 0xff, 10, 0, 0, 0])),
        packet(3, 1, &rpc(&[0xff, 0xff, 10, 0, 0, 0, 5])),
        packet(3, 1, &rpc(&[0xff, 0xff, 12, 0, 0, 0, 0, 0, 0x6c, 5, 39, 2])),
        packet(3, 1, &rpc(&[0xff, 0xff, 12, 0, 0, 0, 0, 0, 0x26, 4, 3, 1, 2, 3])),
        packet(3, 1, &rpc(&[0xff, 0xff, 12, 0, 0, 0, 0, 0, 0xee])),
        packet(3, 1, &rpc(&[0xff, 0xff, 12, 0, 0, 0, 0, 0, 0x29, 0, 5, 255, 255, 255, 255, 255])),
        packet(3, 1, &rpc(&[0xff, 0xff, 12, 0, 0, 0, 0, 0, 0x6f, 8, 8, 255, 255, 255, 127, 255, 255, 255, 255])),
        packet(3, 1, &rpc(&[0xff, 0xff, 12, 0, 0, 0, 0, 0, 0x2b, 7, 10, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0])),
        packet(3, 1, &rpc(&[0xff, 0xff, 12, 0, 0, 0, 0, 0, 0x28, 1, 1])),
        packet(7, 1, &[0x81, 1, 0]),
        packet(7, 1, &[0x81, 0, 0, 0xaa]),
        packet(14, 1, &rpc(&[77, 0])),
        packet(99, 1, &[]),
        [packet(1, 0, &[1]), packet(3, 1, &[1])].concat(),
        vec![1, 1, 0, 3, 0, 0, 0, 0],
    ];
    for message in messages {
        let mut socket = logged_in(&server).await;
        socket.write_all(&message).await.expect("it is sent");
        let mut rest = Vec::new();
        let end = timeout(Duration::from_secs(5), socket.read_to_end(&mut rest)).await.expect("the server ends it");
        assert!(end.is_err() || rest.is_empty(), "{message:?} was answered with {rest:?}");
    }
    for first in [packet(18, 1, &[]), packet(18, 1, &[1, 0, 60, 0, 1, 0xff]), b"GET / HTTP/1.1\r\n".to_vec()] {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port())).await.expect("the server listens");
        socket.write_all(&first).await.expect("it is sent");
        let mut rest = Vec::new();
        let end = timeout(Duration::from_secs(5), socket.read_to_end(&mut rest)).await.expect("the server ends it");
        assert!(end.is_err() || rest.is_empty());
    }
    connect(&server).await;
}

/// The bytes are only counted: the real client takes minutes for so many without optimisation.
#[tokio::test]
async fn a_million_rows_do_not_pile_up() {
    const ROW: usize = 1 + 4 + 2 + 40;
    let memory: Arc<Memory> = Default::default();
    let server = start(&memory);
    let mut socket = logged_in(&server).await;
    socket.write_all(&packet(1, 1, &batch("ROWS 1000000"))).await.expect("it is sent");
    // Nobody reads: only what the sockets hold may have been made, and that is a few megabytes of 47.
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let made = memory.handed_over.load(Ordering::SeqCst);
    assert!(made < 500_000, "{made} rows wait somewhere");
    let mut bytes = 0;
    loop {
        let mut packet = [0; 4096];
        socket.read_exact(&mut packet[..8]).await.expect("the server answers");
        let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        socket.read_exact(&mut packet[8..length]).await.expect("the packet is whole");
        bytes += length - 8;
        if packet[1] & 1 == 1 {
            let done = [&[0xfd, 0x10, 0, 0xc1, 0][..], &1_000_000u64.to_le_bytes()].concat();
            assert_eq!(packet[length - done.len()..length], done);
            break;
        }
    }
    assert_eq!(bytes / ROW, 1_000_000 + 1, "{bytes} bytes: the columns and DONE have no more than a row and a half");
}
