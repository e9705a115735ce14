//! The way to a server's socket: straight to its port, or by the SQL Browser, which knows the ports of named instances (MS-SQLR).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use tokio::net::{TcpStream, UdpSocket, lookup_host};

use crate::error;
use crate::options::Settings;
use crate::server::Server;

/// Where every SQL Browser answers.
pub(crate) const PORT: u16 = 1434;
/// How long an answer is waited for, and how often the question is put: it may be lost on the way.
const WAIT: Duration = Duration::from_secs(1);
const QUESTIONS: usize = 3;
/// The question for one instance (MS-SQLR 2.2.3).
const ONE_INSTANCE: u8 = 0x04;
/// The answer (MS-SQLR 2.2.5).
const RESPONSE: u8 = 0x05;

/// Connects to the server's port.
pub(crate) async fn reach(settings: &Settings, server: &Server) -> Result<TcpStream> {
    let place = &settings.place;
    let connected = match &server.instance {
        None => TcpStream::connect((server.host.as_str(), server.port)).await,
        Some(instance) => TcpStream::connect(located(settings, &server.host, instance).await?).await,
    };
    let socket = connected.map_err(|error| not_reached(&error, place))?;
    // Small packets go both ways, and waiting for more of them helps nobody.
    let _ = socket.set_nodelay(true);
    Ok(socket)
}

/// Where an instance listens.
async fn located(settings: &Settings, host: &str, instance: &str) -> Result<SocketAddr> {
    let place = &settings.place;
    let addresses = lookup_host((host, settings.browser)).await.map_err(|error| not_reached(&error, place))?;
    for address in addresses {
        match ask(address, instance).await {
            Some(Some(port)) => return Ok(SocketAddr::new(address.ip(), port)),
            Some(None) => return Err(without_tcp(instance, place)),
            None => {}
        }
    }
    Err(unknown_instance(instance, place))
}

/// The instance's port as the browser at an address tells it; `None` where it says nothing, `Some(None)` where the instance has none.
async fn ask(address: SocketAddr, instance: &str) -> Option<Option<u16>> {
    let own: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(own).await.ok()?;
    // From nobody else an answer is taken.
    socket.connect(address).await.ok()?;
    let question = [&[ONE_INSTANCE], instance.as_bytes(), &[0]].concat();
    let mut answer = [0; 4096];
    for _ in 0..QUESTIONS {
        socket.send(&question).await.ok()?;
        match tokio::time::timeout(WAIT, socket.recv(&mut answer)).await {
            Ok(Ok(length)) => return port(&answer[..length], instance),
            // No browser there, and the machine says so.
            Ok(Err(_)) => return None,
            Err(_) => {}
        }
    }
    None
}

/// Reads `ServerName;…;InstanceName;X;…;tcp;1450;;` behind three bytes of kind and length; `None` where it is none, or of another instance.
fn port(answer: &[u8], instance: &str) -> Option<Option<u16>> {
    let [RESPONSE, _, _, text @ ..] = answer else { return None };
    // Names may be in any code page; what is looked for here is in all of them the same.
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split(';').collect();
    let value = |key: &str| words.chunks(2).find(|pair| pair[0].eq_ignore_ascii_case(key))?.get(1).copied();
    value("InstanceName").filter(|name| name.eq_ignore_ascii_case(instance))?;
    Some(value("tcp").and_then(|port| port.parse().ok()).filter(|port| *port > 0))
}

/// A name that cannot be resolved has no kind of its own.
fn not_reached(error: &io::Error, place: &str) -> Error {
    match error.kind() {
        kind @ (io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut | io::ErrorKind::PermissionDenied) => {
            error::unreachable(kind, place)
        }
        _ => error::unreachable(io::ErrorKind::NotFound, place),
    }
}

fn unknown_instance(instance: &str, place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("{place} cannot be reached: no SQL Browser told the port of the instance {instance}"),
        "check instance; where the SQL Browser (UDP port 1434) does not run or a firewall is in between, write port = … instead",
    )
}

fn without_tcp(instance: &str, place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("{place} cannot be reached: the instance {instance} does not listen on TCP"),
        "have TCP/IP enabled for it in SQL Server Configuration Manager, and the instance restarted",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browsers_answer_is_read() {
        let told = |text: &str| port(&[&[5, 0, 0], text.as_bytes()].concat(), "Reporting");
        let begin = "ServerName;H;InstanceName;REPORTING;IsClustered;No;Version;15.0.2000.5";
        assert_eq!(told(&format!("{begin};tcp;50123;np;\\\\H\\pipe\\x;;")), Some(Some(50123)));
        assert_eq!(told(&format!("{begin};np;\\\\H\\pipe\\x;tcp;50123;;")), Some(Some(50123)));
        assert_eq!(told(&format!("{begin};np;\\\\H\\pipe\\x;;")), Some(None));
        assert_eq!(told(&format!("{begin};tcp;0;;")), Some(None));
        assert_eq!(told(&format!("{begin};tcp")), Some(None));
        assert_eq!(told("ServerName;H;InstanceName;OTHER;tcp;50123;;"), None);
        for rubbish in [&b""[..], b"\x05", b"\x05\0\0", b"HTTP/1.1 400", b"\x05\0\0\xff\xff;\xff"] {
            assert_eq!(port(rubbish, "Reporting"), None, "{rubbish:?}");
        }
    }
}
