//! The way to a server's socket: straight to its port, or by the SQL Browser, which knows the ports of named instances.

use std::io;

use csc_bridge_core::error::{Error, Kind, Result};
use tiberius::SqlBrowser;
use tiberius::error::Error as Driver;
use tokio::net::TcpStream;

use crate::error;
use crate::options::Settings;
use crate::server::Server;

/// Connects to the server's port.
pub(crate) async fn reach(settings: &Settings, server: &Server) -> Result<TcpStream> {
    let place = &settings.place;
    let socket = match &server.instance {
        None => {
            let connected = TcpStream::connect((server.host.as_str(), server.port)).await;
            connected.map_err(|error| not_reached(&error, place))?
        }
        Some(instance) => {
            // With a port the driver would ask the browser there.
            let mut config = tiberius::Config::new();
            config.host(&server.host);
            config.instance_name(instance);
            TcpStream::connect_named(&config).await.map_err(|error| match error {
                Driver::Conversion(_) | Driver::Protocol(_) => unknown_instance(instance, place),
                other => error::explain(&other, place),
            })?
        }
    };
    // Small packets go both ways, and waiting for more of them helps nobody.
    let _ = socket.set_nodelay(true);
    Ok(socket)
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
