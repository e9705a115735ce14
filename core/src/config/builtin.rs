//! The payload definitions and CMS profiles that are part of the program.

/// Payload definitions by name.
pub(super) const DEFINITIONS: &[(&str, &str)] =
    &[("dfe-csc-0.9", include_str!("../../../config/payload/dfe-csc-0.9.toml"))];

/// CMS profiles by name.
pub(super) const PROFILES: &[(&str, &str)] = &[
    ("azeus", include_str!("../../../config/cms/azeus.toml")),
    ("eclipse", include_str!("../../../config/cms/eclipse.toml")),
    ("mosaic", include_str!("../../../config/cms/mosaic.toml")),
    ("sqlite", include_str!("../../../config/cms/sqlite.toml")),
    ("systemc", include_str!("../../../config/cms/systemc.toml")),
];
