//! SQL Server Browser: tells the port of a named instance (MS-SQLR).

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Answers on UDP until it is dropped.
pub struct Browser {
    port: u16,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The client asks for one instance (MS-SQLR 2.2.3).
const ONE_INSTANCE: u8 = 0x04;
/// The server's answer (MS-SQLR 2.2.5).
const RESPONSE: u8 = 0x05;

impl Browser {
    /// Starts it with these instances and their ports: on 1434 if that is free, else on any port. An instance it does not know gets no
    /// answer, as from the real one.
    ///
    /// # Panics
    ///
    /// When it cannot listen.
    pub fn start(instances: &[(&str, u16)]) -> Browser {
        Self::try_start(instances).expect("the test browser listens on a free port")
    }

    fn try_start(instances: &[(&str, u16)]) -> io::Result<Browser> {
        let socket =
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 1434)).or_else(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let port = socket.local_addr()?.port();
        let instances: Vec<(String, u16)> = instances.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
        let end = Arc::new(AtomicBool::new(false));
        let ended = end.clone();
        let thread = std::thread::spawn(move || {
            let mut request = [0; 64];
            while !ended.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut request) else { continue };
                if let Some(response) = response(&request[..length], &instances) {
                    // An answer that is lost is asked for again.
                    let _ = socket.send_to(&response, from);
                }
            }
        });
        Ok(Browser { port, end, thread: Some(thread) })
    }

    /// The port it answers on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn response(request: &[u8], instances: &[(String, u16)]) -> Option<Vec<u8>> {
    let (ONE_INSTANCE, name) = request.split_first().map(|(kind, name)| (*kind, name))? else { return None };
    let name = std::str::from_utf8(name).ok()?.trim_end_matches('\0');
    let (name, port) = instances.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    let text = format!("ServerName;TESTSERVER;InstanceName;{name};IsClustered;No;Version;16.0.1000.6;tcp;{port};;");
    let mut response = vec![RESPONSE];
    response.extend_from_slice(&u16::try_from(text.len()).ok()?.to_le_bytes());
    response.extend_from_slice(text.as_bytes());
    Some(response)
}
