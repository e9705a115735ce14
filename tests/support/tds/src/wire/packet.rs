//! Packets and the messages they make (MS-TDS 2.2.3.1).

use std::io;

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::read::malformed;

/// The kinds of packets (MS-TDS 2.2.3.1.1).
pub(crate) mod kind {
    pub const BATCH: u8 = 1;
    pub const RPC: u8 = 3;
    pub const RESULT: u8 = 4;
    pub const ATTENTION: u8 = 6;
    pub const BULK: u8 = 7;
    pub const TRANSACTION: u8 = 14;
    pub const LOGIN: u8 = 16;
    pub const PRELOGIN: u8 = 18;
}

/// The bits of a packet's status (MS-TDS 2.2.3.1.2).
mod status {
    pub const END: u8 = 0x01;
    pub const IGNORE: u8 = 0x02;
    pub const RESET: u8 = 0x08;
    pub const RESET_KEEP_TRANSACTION: u8 = 0x10;
}

pub(crate) const HEADER: usize = 8;
/// No test sends more in one message.
const LARGEST_MESSAGE: usize = 1 << 30;

/// A whole message of a client.
#[derive(Debug)]
pub(crate) struct Message {
    pub kind: u8,
    /// The client wants the session as new before this request.
    pub reset: bool,
    pub data: BytesMut,
}

/// The packets that come in. What has come of a message stays here when waiting for the rest of it is given up.
pub(crate) struct Incoming<R> {
    io: R,
    buffer: BytesMut,
    message: Option<Message>,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub fn new(io: R) -> Self {
        Self { io, buffer: BytesMut::new(), message: None }
    }

    /// The next whole message; `None` when the client has closed the connection between two of them. It may be given up and called
    /// again: nothing is lost.
    pub async fn message(&mut self) -> io::Result<Option<Message>> {
        loop {
            while let Some(message) = self.packet()? {
                if let Some(message) = message {
                    return Ok(Some(message));
                }
            }
            if self.io.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() && self.message.is_none() {
                    return Ok(None);
                }
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Takes one packet from the buffer: `None` when there is no whole one, `Some(None)` when it did not end a message.
    fn packet(&mut self) -> io::Result<Option<Option<Message>>> {
        let [kind, status, high, low, ..] = self.buffer[..] else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < HEADER {
            return Err(malformed("a packet is shorter than its header"));
        }
        if self.buffer.len() < length {
            return Ok(None);
        }
        let mut packet = self.buffer.split_to(length);
        packet.advance(HEADER);
        if kind == self::kind::ATTENTION {
            // It takes back what has come of a message so far (MS-TDS 2.2.1.7).
            self.message = None;
            return Ok(Some(Some(Message { kind, reset: false, data: packet })));
        }
        let reset = status & (self::status::RESET | self::status::RESET_KEEP_TRANSACTION) != 0;
        let message = match self.message.take() {
            None => Message { kind, reset, data: packet },
            Some(mut message) if message.kind == kind => {
                if message.data.len() + packet.len() > LARGEST_MESSAGE {
                    return Err(malformed("a message is too long"));
                }
                message.data.unsplit(packet);
                message
            }
            Some(_) => return Err(malformed("a packet of another kind is in the middle of a message")),
        };
        if status & self::status::IGNORE != 0 {
            return Ok(Some(None));
        }
        if status & self::status::END != 0 {
            return Ok(Some(Some(message)));
        }
        self.message = Some(message);
        Ok(Some(None))
    }
}

/// Reads one message and not a byte more, for the steps after which the connection goes on in another way.
pub(crate) async fn read_message(io: &mut (impl AsyncRead + Unpin), kind: u8) -> io::Result<BytesMut> {
    let mut data = BytesMut::new();
    loop {
        let mut header = [0; HEADER];
        io.read_exact(&mut header).await?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header[0] != kind {
            return Err(malformed(format!("a packet of kind {} instead of {kind}", header[0])));
        }
        let length = length.checked_sub(HEADER).ok_or_else(|| malformed("a packet is shorter than its header"))?;
        let start = data.len();
        data.resize(start + length, 0);
        io.read_exact(&mut data[start..]).await?;
        if header[1] & status::END != 0 {
            return Ok(data);
        }
    }
}

/// What goes out: tokens are put into [`Outgoing::tokens`], and leave as packets of the agreed size.
pub(crate) struct Outgoing<W> {
    io: W,
    pub tokens: BytesMut,
    /// Whole packets that the socket has not taken yet.
    packets: BytesMut,
    packet_size: usize,
    number: u8,
}

impl<W: AsyncWrite + Unpin> Outgoing<W> {
    pub fn new(io: W, packet_size: usize) -> Self {
        Self { io, tokens: BytesMut::new(), packets: BytesMut::new(), packet_size, number: 0 }
    }

    pub fn set_packet_size(&mut self, packet_size: usize) {
        self.packet_size = packet_size;
    }

    /// Whether there is enough for a packet.
    pub fn is_full(&self) -> bool {
        self.tokens.len() > self.packet_size - HEADER
    }

    /// Sends the full packets. It waits for the socket, so the memory is bounded; it may be given up, and nothing is lost.
    pub async fn send_full(&mut self) -> io::Result<()> {
        while self.is_full() {
            self.pack(self.packet_size - HEADER, 0);
        }
        self.write().await
    }

    /// Sends everything and ends the message.
    pub async fn end_message(&mut self) -> io::Result<()> {
        self.send_full().await?;
        self.pack(self.tokens.len(), status::END);
        self.number = 0;
        self.write().await?;
        self.io.flush().await
    }

    /// Sends everything without ending the message.
    pub async fn send_all(&mut self) -> io::Result<()> {
        self.send_full().await?;
        if !self.tokens.is_empty() {
            self.pack(self.tokens.len(), 0);
        }
        self.write().await?;
        self.io.flush().await
    }

    fn pack(&mut self, length: usize, status: u8) {
        self.number = self.number.wrapping_add(1);
        put_header(&mut self.packets, kind::RESULT, status, length, self.number);
        let payload = self.tokens.split_to(length);
        self.packets.extend_from_slice(&payload);
    }

    async fn write(&mut self) -> io::Result<()> {
        while !self.packets.is_empty() {
            if self.io.write_buf(&mut self.packets).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }
}

/// Writes the header of a packet with a payload of this length.
pub(crate) fn put_header(buffer: &mut BytesMut, kind: u8, status: u8, payload: usize, number: u8) {
    buffer.put_u8(kind);
    buffer.put_u8(status);
    buffer.put_u16((payload + HEADER) as u16);
    buffer.put_u16(0);
    buffer.put_u8(number);
    buffer.put_u8(0);
}

/// Writes one message of one packet: the answer to a prelogin.
pub(crate) async fn write_message(io: &mut (impl AsyncWrite + Unpin), payload: &[u8]) -> io::Result<()> {
    let mut packet = BytesMut::new();
    put_header(&mut packet, kind::RESULT, status::END, payload.len(), 1);
    packet.extend_from_slice(payload);
    io.write_all(&packet).await?;
    io.flush().await
}

/// Puts a TLS record of the handshake into a prelogin packet (MS-TDS 2.2.6.5).
pub(crate) fn wrap_prelogin(buffer: &mut BytesMut, payload: &[u8]) {
    put_header(buffer, kind::PRELOGIN, status::END, payload.len(), 1);
    buffer.extend_from_slice(payload);
}
