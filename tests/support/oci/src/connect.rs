//! Logging in and out, alone and from a pool.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Arc;

use crate::connection::Connection;
use crate::control::{Control, Fault};
use crate::error::{Result, ora, told};
use crate::handle::{Handle, SUCCESS, Service, call, login, pool, put, server, service, text};

/// Where a server is: what a connect string says.
#[derive(Clone, Default)]
pub(crate) struct Place {
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) control: Control,
    pub(crate) connection: Option<Arc<Connection>>,
}

/// Who wants to log in, and the session's properties.
#[derive(Default)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) connection: Option<Arc<Connection>>,
    /// Texts that a caller sets and reads: module, action, schema.
    pub(crate) texts: HashMap<u32, String>,
}

/// A pool of sessions.
#[derive(Default)]
pub(crate) struct Pool {
    place: Place,
    name: String,
    user: String,
    password: String,
    /// Logged in, and with nobody; each with its values ([`Login::texts`]).
    idle: Vec<usize>,
    pub(crate) open: u32,
    pub(crate) busy: u32,
    most: u32,
}

impl Place {
    /// `//127.0.0.1:5432/test_0?csc_bridge_oci=/tmp/x`; a name without slashes is an alias that no file has.
    fn parse(text: &str) -> Result<Place> {
        let (address, options) = text.split_once('?').unwrap_or((text, ""));
        let named = options.split('&').find_map(|option| option.strip_prefix("csc_bridge_oci="));
        let address = address.strip_prefix("tcp:").unwrap_or(address).trim_start_matches('/');
        let (host, service) = address.split_once('/').ok_or_else(|| ora(12154))?;
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(1521);
        let database = service.split([':', '/']).next().unwrap_or_default().to_owned();
        Ok(Place { port, database, control: Control::new(named), connection: None })
    }
}

#[unsafe(no_mangle)]
extern "C" fn OCIServerAttach(
    handle: *mut c_void,
    error: *mut c_void,
    link: *const u8,
    length: i32,
    _mode: u32,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle and text.
        let (place, link) = unsafe { (server(handle)?, text(link, length as usize)) };
        *place = Place::parse(&link)?;
        std::net::TcpStream::connect(("127.0.0.1", place.port)).map_err(|_| ora(12541))?;
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIServerDetach(handle: *mut c_void, error: *mut c_void, _mode: u32) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        unsafe { server(handle)? }.connection = None;
        Ok(SUCCESS)
    })
}

fn log_in(place: &Place, user: &str, password: &str) -> Result<Arc<Connection>> {
    if let Some(Fault::Error(code)) = place.control.fault(&format!("LOGIN {user}")) {
        return Err(ora(code));
    }
    if user.is_empty() {
        return Err(ora(1017));
    }
    Ok(Arc::new(Connection::open(place, user, password)?))
}

#[unsafe(no_mangle)]
extern "C" fn OCISessionBegin(
    context: *mut c_void,
    error: *mut c_void,
    session: *mut c_void,
    _credentials: u32,
    _mode: u32,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handles; the service context's server was set by it.
        let (service, login) = unsafe { (service(context)?, login(session)?) };
        // SAFETY: as above.
        let place = unsafe { server(service.server as *const c_void)? };
        let connection = log_in(place, &login.user, &login.password)?;
        place.connection = Some(connection.clone());
        login.connection = Some(connection.clone());
        service.connection = Some(connection);
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCISessionEnd(context: *mut c_void, error: *mut c_void, session: *mut c_void, _mode: u32) -> i32 {
    call(error, || {
        // SAFETY: the caller's handles.
        unsafe {
            service(context)?.connection = None;
            login(session)?.connection = None;
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCISessionPoolCreate(
    _environment: *mut c_void,
    error: *mut c_void,
    handle: *mut c_void,
    name: *mut *const u8,
    name_length: *mut u32,
    link: *const u8,
    link_length: u32,
    _least: u32,
    most: u32,
    _step: u32,
    user: *const u8,
    user_length: u32,
    password: *const u8,
    password_length: u32,
    _mode: u32,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle and texts.
        let (pool, link) = unsafe { (pool(handle)?, text(link, link_length as usize)) };
        pool.place = Place::parse(&link)?;
        pool.most = most;
        // The pool is found by its name: the address of its handle.
        pool.name = format!("{}", handle as usize);
        // SAFETY: the caller's texts, and its places for the name, which lives as long as the pool.
        unsafe {
            pool.user = text(user, user_length as usize);
            pool.password = text(password, password_length as usize);
            put(name, pool.name.as_ptr());
            put(name_length, pool.name.len() as u32);
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCISessionPoolDestroy(handle: *mut c_void, error: *mut c_void, _mode: u32) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        let pool = unsafe { pool(handle)? };
        for idle in pool.idle.drain(..) {
            discard(idle as *mut c_void);
        }
        Ok(SUCCESS)
    })
}

/// Frees a service context of a pool, with what was made for it.
fn discard(context: *mut c_void) {
    // SAFETY: a handle of this module's, which its caller has given back.
    unsafe {
        if let Ok(service) = service(context) {
            drop(Box::from_raw(service.server as *mut Handle));
            drop(Box::from_raw(service.session as *mut Handle));
        }
        drop(Box::from_raw(context.cast::<Handle>()));
    }
}

#[unsafe(no_mangle)]
extern "C" fn OCISessionGet(
    _environment: *mut c_void,
    error: *mut c_void,
    context: *mut *mut c_void,
    auth: *mut c_void,
    name: *const u8,
    name_length: u32,
    _tag: *const u8,
    _tag_length: u32,
    _found_tag: *mut *const u8,
    _found_length: *mut u32,
    _found: *mut i32,
    mode: u32,
) -> i32 {
    const FROM_POOL: u32 = 1;
    call(error, || {
        // SAFETY: the caller's texts and handles.
        let (name, auth) = unsafe { (text(name, name_length as usize), login(auth).ok()) };
        let (mut user, mut password) = auth.map(|auth| (auth.user.clone(), auth.password.clone())).unwrap_or_default();
        let mut pool_at = 0;
        let place = if mode & FROM_POOL == 0 {
            Place::parse(&name)?
        } else {
            pool_at = name.parse().map_err(|_| told(24330, "internal OCI error: no pool"))?;
            // SAFETY: the name is the address of the caller's pool.
            let pool = unsafe { pool(pool_at as *const c_void)? };
            if let Some(idle) = pool.idle.pop() {
                pool.busy += 1;
                // SAFETY: the caller's place for a handle.
                unsafe { put(context, idle as *mut c_void) };
                return Ok(SUCCESS);
            }
            if pool.open >= pool.most {
                return Err(told(24418, "Cannot open further sessions."));
            }
            (user, password) = (pool.user.clone(), pool.password.clone());
            pool.place.clone()
        };
        std::net::TcpStream::connect(("127.0.0.1", place.port)).map_err(|_| ora(12541))?;
        let connection = log_in(&place, &user, &password)?;
        if mode & FROM_POOL != 0 {
            // SAFETY: as above.
            let pool = unsafe { pool(pool_at as *const c_void)? };
            pool.open += 1;
            pool.busy += 1;
        }
        let server = Handle::Server(Place { connection: Some(connection.clone()), ..place }).give();
        let session = Login { user, connection: Some(connection.clone()), ..Login::default() };
        let made = Service {
            server: server as usize,
            session: Handle::Login(session).give() as usize,
            connection: Some(connection),
            pool: pool_at,
            ..Service::default()
        };
        // SAFETY: the caller's place for a handle.
        unsafe { put(context, Handle::Service(made).give()) };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCISessionRelease(
    context: *mut c_void,
    error: *mut c_void,
    _tag: *const u8,
    _length: u32,
    mode: u32,
) -> i32 {
    const DROP: u32 = 1;
    call(error, || {
        // SAFETY: the caller's handle.
        let service = unsafe { service(context)? };
        if service.pool == 0 {
            discard(context);
            return Ok(SUCCESS);
        }
        // SAFETY: the pool outlives its sessions.
        let pool = unsafe { pool(service.pool as *const c_void)? };
        pool.busy = pool.busy.saturating_sub(1);
        if mode & DROP == 0 && service.connection.as_ref().is_some_and(|connection| !connection.is_dead()) {
            pool.idle.push(context as usize);
        } else {
            pool.open = pool.open.saturating_sub(1);
            discard(context);
        }
        Ok(SUCCESS)
    })
}
