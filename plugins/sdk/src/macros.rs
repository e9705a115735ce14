//! The line that an author writes.

/// Exports a [`PluginSource`](crate::PluginSource) as this library's source. Once in a crate, at its root.
#[macro_export]
macro_rules! export_source {
    ($source:ty) => {
        $crate::export_plugin! { source: $source }
    };
}

/// Exports a [`WholeTables`](crate::WholeTables) as this library's source. Once in a crate, at its root.
#[macro_export]
macro_rules! export_whole_tables {
    ($tables:ty) => {
        $crate::export_plugin! { whole_tables: $tables }
    };
}

/// Exports [`Documents`](crate::Documents) as this library's source. Once in a crate, at its root.
#[macro_export]
macro_rules! export_documents {
    ($documents:ty) => {
        $crate::export_plugin! { documents: $documents }
    };
}

/// Exports a [`PluginSink`](crate::PluginSink) as this library's sink. Once in a crate, at its root.
#[macro_export]
macro_rules! export_sink {
    ($sink:ty) => {
        $crate::export_plugin! { sink: $sink }
    };
}

/// Exports a source and a sink in one library: `export_plugin! { source: MySource, sink: MySink }`, or `whole_tables:` or `documents:` in
/// the place of `source:`. Once in a crate, at its root.
#[macro_export]
macro_rules! export_plugin {
    ($($part:ident: $type:ty),+ $(,)?) => {
        /// The library's one symbol; `csc_bridge_plugin.h` says what it does.
        ///
        /// # Safety
        /// As the header says: `host` is readable, and `table` points to `size` zeroed bytes, for the length of the call.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn csc_bridge_plugin_init(
            host: *const $crate::__private::Host,
            table: *mut $crate::__private::PluginTable,
            size: u64,
        ) -> $crate::__private::Status {
            $crate::__plugin!(Exported, $($part: $type),+);
            // SAFETY: what the caller promises is what `init` needs.
            unsafe { $crate::__private::init::<Exported>(host, table, size) }
        }
    };
}

/// A plugin without its symbol: tests have several in one program.
#[doc(hidden)]
#[macro_export]
macro_rules! __plugin {
    ($marker:ident, $($part:ident: $type:ty),+) => {
        struct $marker;
        impl $crate::__private::Plugin for $marker {
            fn library() -> &'static $crate::__private::Library {
                const DEFINITION: $crate::__private::Definition =
                    $crate::__private::Definition::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), module_path!())
                        $(.$part::<$type>())+;
                static LIBRARY: $crate::__private::Library = $crate::__private::Library::new(DEFINITION);
                &LIBRARY
            }
        }
    };
}
