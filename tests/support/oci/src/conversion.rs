//! OCINumber and OCIDateTime.
#![allow(unsafe_code)]

use std::ffi::c_void;

use crate::error::{ora, told};
use crate::handle::{SUCCESS, call, moment, put, text};
use crate::number::{SIZE, decode, encode};
use crate::value::Moment;

const SIGNED: u32 = 2;

/// NUMBER at an address.
///
/// # Safety
/// 22 bytes can be read there.
pub(crate) unsafe fn number_at(place: *const c_void) -> String {
    // SAFETY: as above.
    decode(&unsafe { place.cast::<[u8; SIZE]>().read_unaligned() })
}

#[unsafe(no_mangle)]
extern "C" fn OCINumberFromInt(
    error: *mut c_void,
    from: *const c_void,
    size: u32,
    flags: u32,
    number: *mut c_void,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's whole number of eight bytes.
        let text = match (size, flags) {
            (8, SIGNED) => unsafe { from.cast::<i64>().read_unaligned() }.to_string(),
            (8, _) => unsafe { from.cast::<u64>().read_unaligned() }.to_string(),
            _ => return Err(told(22061, "invalid format text")),
        };
        let raw = encode(&text).ok_or_else(|| told(22053, "overflow error"))?;
        // SAFETY: the caller's OCINumber.
        unsafe { put(number.cast(), raw) };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCINumberToInt(error: *mut c_void, number: *const c_void, size: u32, flags: u32, to: *mut c_void) -> i32 {
    call(error, || {
        // SAFETY: the caller's OCINumber.
        let text = unsafe { number_at(number) };
        let whole: i128 =
            text.split('.').next().and_then(|whole| whole.parse().ok()).ok_or_else(|| told(22053, "overflow error"))?;
        let fits = || told(22053, "overflow error");
        // SAFETY: the caller's place for a whole number of eight bytes.
        match (size, flags) {
            (8, SIGNED) => unsafe { put(to.cast(), i64::try_from(whole).map_err(|_| fits())?) },
            (8, _) => unsafe { put(to.cast(), u64::try_from(whole).map_err(|_| fits())?) },
            _ => return Err(told(22061, "invalid format text")),
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCINumberFromReal(error: *mut c_void, from: *const c_void, size: u32, number: *mut c_void) -> i32 {
    call(error, || {
        // SAFETY: the caller's number of `size` bytes.
        let text = match size {
            8 => unsafe { from.cast::<f64>().read_unaligned() }.to_string(),
            _ => unsafe { from.cast::<f32>().read_unaligned() }.to_string(),
        };
        let raw = encode(&text).ok_or_else(|| ora(1722))?;
        // SAFETY: the caller's OCINumber.
        unsafe { put(number.cast(), raw) };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCINumberToReal(error: *mut c_void, number: *const c_void, size: u32, to: *mut c_void) -> i32 {
    call(error, || {
        // SAFETY: the caller's OCINumber.
        let text = unsafe { number_at(number) };
        let real: f64 = text.parse().map_err(|_| ora(1722))?;
        // SAFETY: the caller's place for a number of `size` bytes.
        match size {
            8 => unsafe { put(to.cast(), real) },
            _ => unsafe { put(to.cast(), real as f32) },
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIDateTimeConstruct(
    _handle: *mut c_void,
    error: *mut c_void,
    into: *mut c_void,
    year: i16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanoseconds: u32,
    zone: *const u8,
    zone_length: usize,
) -> i32 {
    call(error, || {
        let bad = || told(1843, "not a valid month");
        // SAFETY: the caller's text.
        let zone = unsafe { text(zone, zone_length) };
        let offset = match zone.split_once(':') {
            None => None,
            Some((hours, minutes)) => {
                let sign = if hours.starts_with('-') { -1 } else { 1 };
                let hours: i16 = hours.trim_start_matches(['+', '-']).trim().parse().map_err(|_| bad())?;
                let minutes: i16 = minutes.trim().parse().map_err(|_| bad())?;
                Some(sign * (hours * 60 + minutes))
            }
        };
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(bad());
        }
        // SAFETY: the caller's descriptor.
        *unsafe { moment(into)? } = Moment { year, month, day, hour, minute, second, nanoseconds, offset };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIDateTimeGetDate(
    _handle: *mut c_void,
    error: *mut c_void,
    from: *const c_void,
    year: *mut i16,
    month: *mut u8,
    day: *mut u8,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's descriptor and places.
        unsafe {
            let from = moment(from)?;
            put(year, from.year);
            put(month, from.month);
            put(day, from.day);
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIDateTimeGetTime(
    _handle: *mut c_void,
    error: *mut c_void,
    from: *const c_void,
    hour: *mut u8,
    minute: *mut u8,
    second: *mut u8,
    nanoseconds: *mut u32,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's descriptor and places.
        unsafe {
            let from = moment(from)?;
            put(hour, from.hour);
            put(minute, from.minute);
            put(second, from.second);
            put(nanoseconds, from.nanoseconds);
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIDateTimeGetTimeZoneOffset(
    _handle: *mut c_void,
    error: *mut c_void,
    from: *const c_void,
    hours: *mut i8,
    minutes: *mut i8,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's descriptor and places.
        unsafe {
            let offset = moment(from)?.offset.unwrap_or(0);
            put(hours, (offset / 60) as i8);
            put(minutes, (offset % 60) as i8);
        }
        Ok(SUCCESS)
    })
}
