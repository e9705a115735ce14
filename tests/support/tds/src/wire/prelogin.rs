//! The first exchange, which settles the encryption (MS-TDS 2.2.6.5), and TLS's handshake inside of prelogin packets.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::packet::{HEADER, kind, read_message, wrap_prelogin, write_message};
use super::read::{Reader, malformed};
use super::server::{Encryption, Options};

/// How the connection goes on.
pub(crate) enum Secured {
    /// In the clear.
    Plain(TcpStream),
    /// Encrypted until the login has come, in the clear after it.
    LoginOnly(Box<TlsStream<Wrapped>>),
    /// Encrypted.
    Whole(Box<TlsStream<Wrapped>>),
}

/// The values of the ENCRYPTION option.
const OFF: u8 = 0;
const ON: u8 = 1;
const NOT_SUPPORTED: u8 = 2;
const REQUIRED: u8 = 3;

/// The first version that knows TDS 8: SQL Server 2022.
const STRICT_FROM: u8 = 16;

/// Answers the prelogin and makes the TLS connection where one was agreed.
pub(crate) async fn negotiate(mut socket: TcpStream, options: &Options) -> io::Result<Secured> {
    let mut first = [0];
    if socket.peek(&mut first).await? == 1 && TLS_RECORDS.contains(&first[0]) {
        return strict(socket, options).await;
    }
    let asked = encryption(&read_message(&mut socket, kind::PRELOGIN).await?)?;
    // The table in MS-TDS 2.2.6.5.
    let (told, whole) = match (options.tls.as_ref().map(|_| options.encryption), asked) {
        (None | Some(Encryption::Unsupported), _) => (NOT_SUPPORTED, None),
        (Some(Encryption::Optional), OFF) => (OFF, Some(false)),
        (Some(Encryption::Optional), NOT_SUPPORTED) => (NOT_SUPPORTED, None),
        (Some(Encryption::Required), OFF | NOT_SUPPORTED) => (REQUIRED, Some(true)),
        (Some(_), ON | REQUIRED) => (ON, Some(true)),
        (_, other) => return Err(malformed(format!("the encryption {other}"))),
    };
    write_message(&mut socket, &answer(told, options.version)).await?;
    let (Some(tls), Some(whole)) = (&options.tls, whole) else { return Ok(Secured::Plain(socket)) };
    // A ticket after the handshake would come outside of prelogin packets, or after TLS has ended: SQL Server sends none.
    let mut tls: ServerConfig = ServerConfig::clone(tls);
    tls.send_tls13_tickets = 0;
    let mut stream = TlsAcceptor::from(Arc::new(tls)).accept(Wrapped::new(socket)).await?;
    stream.get_mut().0.handshake = false;
    Ok(if whole { Secured::Whole(Box::new(stream)) } else { Secured::LoginOnly(Box::new(stream)) })
}

/// TDS 8: TLS before the first word, and the prelogin within.
async fn strict(socket: TcpStream, options: &Options) -> io::Result<Secured> {
    let Some(tls) = options.tls.as_ref().filter(|_| options.version.0 >= STRICT_FROM) else {
        return Err(malformed("TLS instead of a prelogin"));
    };
    let mut tls = ServerConfig::clone(tls);
    tls.alpn_protocols = vec![b"tds/8.0".to_vec()];
    let mut wrapped = Wrapped::new(socket);
    (wrapped.handshake, wrapped.bare) = (false, true);
    let mut stream = TlsAcceptor::from(Arc::new(tls)).accept(wrapped).await?;
    read_message(&mut stream, kind::PRELOGIN).await?;
    write_message(&mut stream, &answer(ON, options.version)).await?;
    Ok(Secured::Whole(Box::new(stream)))
}

/// The option ENCRYPTION of a prelogin.
fn encryption(message: &[u8]) -> io::Result<u8> {
    let mut options = Reader(message);
    loop {
        match options.u8()? {
            0xff => return Err(malformed("a prelogin without the encryption")),
            1 => break,
            _ => options.bytes(4).map(|_| ())?,
        }
    }
    let offset = usize::from(options.u16()?.swap_bytes());
    message.get(offset).copied().ok_or_else(|| malformed("a prelogin is cut short"))
}

fn answer(encryption: u8, (major, minor, build): (u8, u8, u16)) -> BytesMut {
    let [high, low] = build.to_be_bytes();
    let fields: [(u8, &[u8]); 4] = [(0, &[major, minor, high, low, 0, 0]), (1, &[encryption]), (2, &[0]), (4, &[0])];
    let mut message = BytesMut::new();
    let mut offset = fields.len() as u16 * 5 + 1;
    for (field, value) in fields {
        message.put_u8(field);
        message.put_u16(offset);
        message.put_u16(value.len() as u16);
        offset += value.len() as u16;
    }
    message.put_u8(0xff);
    fields.into_iter().for_each(|(_, value)| message.put_slice(value));
    message
}

/// The kinds of TLS's records, none of which is a packet's.
const TLS_RECORDS: std::ops::RangeInclusive<u8> = 0x14..=0x17;

/// The socket under TLS: as long as the handshake goes on, everything is in prelogin packets.
pub(crate) struct Wrapped {
    pub socket: TcpStream,
    handshake: bool,
    /// What has been read of a header.
    header: Vec<u8>,
    /// The client sends no prelogin packets any more: for it the handshake has ended, and its login may be here before ours has.
    bare: bool,
    left: usize,
    out: BytesMut,
    packet: BytesMut,
}

impl Wrapped {
    fn new(socket: TcpStream) -> Self {
        let (out, packet) = (BytesMut::new(), BytesMut::new());
        Self { socket, handshake: true, header: Vec::new(), bare: false, left: 0, out, packet }
    }
}

impl AsyncRead for Wrapped {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, target: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.left == 0 && !this.bare {
            let mut space = [0; HEADER];
            let mut rest = ReadBuf::new(&mut space[this.header.len()..]);
            ready!(Pin::new(&mut this.socket).poll_read(cx, &mut rest))?;
            if rest.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.header.extend_from_slice(rest.filled());
            if TLS_RECORDS.contains(&this.header[0]) {
                this.bare = true;
            } else if this.header.len() == HEADER {
                let length = usize::from(u16::from_be_bytes([this.header[2], this.header[3]]));
                if this.header[0] != kind::PRELOGIN || length < HEADER {
                    return Poll::Ready(Err(malformed("no prelogin packet in the middle of TLS's handshake")));
                }
                this.left = length - HEADER;
                this.header.clear();
            }
        }
        if this.bare {
            if this.header.is_empty() {
                return Pin::new(&mut this.socket).poll_read(cx, target);
            }
            let taken = this.header.len().min(target.remaining());
            target.put_slice(&this.header[..taken]);
            this.header.drain(..taken);
            return Poll::Ready(Ok(()));
        }
        let room = target.remaining().min(this.left);
        let mut part = ReadBuf::new(target.initialize_unfilled_to(room));
        ready!(Pin::new(&mut this.socket).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        this.left -= read;
        target.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wrapped {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !this.handshake && this.packet.is_empty() {
            return Pin::new(&mut this.socket).poll_write(cx, bytes);
        }
        this.out.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            while !this.packet.is_empty() {
                let written = ready!(Pin::new(&mut this.socket).poll_write(cx, &this.packet))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                this.packet.advance(written);
            }
            if this.out.is_empty() {
                return Pin::new(&mut this.socket).poll_flush(cx);
            }
            let piece = this.out.split_to(this.out.len().min(4096 - HEADER));
            wrap_prelogin(&mut this.packet, &piece);
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
