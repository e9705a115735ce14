//! `plugin new`: the sources of a plugin, which build and pass the conformance suite as they stand.
//!
//! The template is a crate called care-director, so that it reads like one; its name is put in the place of that one.

use std::fs;
use std::path::{Component, Path, PathBuf};

use csc_bridge_core::error::{Error, Kind, Result};

use crate::cli::{Global, NewPlugin};
use crate::report::Report;
use crate::setup::registry;

/// Each file, and where it goes.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("template/manifest.toml")),
    ("README.md", include_str!("template/README.md")),
    (".gitignore", "/target\n/release\n"),
    ("rustfmt.toml", include_str!("../../rustfmt.toml")),
    ("release.sh", include_str!("template/release.sh")),
    ("src/lib.rs", include_str!("template/src/lib.rs")),
    ("tests/conformance/main.rs", include_str!("template/tests/conformance/main.rs")),
    ("tests/conformance/place.rs", include_str!("template/tests/conformance/place.rs")),
];

/// A file by which csc-bridge's sources are known.
const MARK: &str = "plugins/sdk/Cargo.toml";

/// What Rust keeps for itself, among words of lower-case letters; as the name of a library it would not compile.
const KEPT: &str = " abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in let \
loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof unsafe unsized use virtual \
where while yield test core std alloc proc-macro ";

/// Where csc-bridge's own crates come from.
enum Sources {
    /// A folder.
    Folder(PathBuf),
    /// A repository, and the tag or branch.
    Git(String, Option<String>),
}

/// The command. Never writes into a folder that is there already.
pub fn new(global: &Global, args: &NewPlugin, report: &mut Report) -> anyhow::Result<()> {
    check_name(&args.name)?;
    let folder = args.path.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let sources = match &args.sdk {
        Some(sdk) => named(sdk)?,
        None => found(),
    };
    make(&folder)?;
    let there = fs::canonicalize(&folder).map_err(|error| cannot_write(&folder, error.kind()))?;
    let dependency = match &sources {
        Sources::Folder(sources) => format!("path = \"{}/", in_toml(&relative(&there, sources))),
        Sources::Git(url, None) => format!("git = \"{url}"),
        Sources::Git(url, Some(tag)) => format!("git = \"{url}\", tag = \"{tag}"),
    };
    for (file, text) in FILES {
        write(&folder.join(file), &filled_in(text, &args.name, &dependency, &sources))?;
    }
    let come_from = match &sources {
        Sources::Folder(sources) => sources.display().to_string(),
        Sources::Git(url, None) => url.clone(),
        Sources::Git(url, Some(tag)) => format!("{url}, tag {tag}"),
    };
    if !global.quiet {
        eprintln!("wrote {}, with csc-bridge's own crates from {come_from}", folder.display());
        eprintln!("next: cargo test in it; then look for FILL IN, ten times");
    }
    report.key("folder", folder.display().to_string());
    report.key("sources", come_from);
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    let fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let wrong = if !(1..=64).contains(&name.len()) || !name.bytes().all(fit) {
        "is not 1 to 64 lower-case letters, digits and hyphens"
    } else if !name.starts_with(|first: char| first.is_ascii_lowercase()) || name.ends_with('-') {
        "does not begin with a letter, or ends in a hyphen"
    } else if KEPT.contains(&format!(" {name} ")) {
        "is a word of Rust's"
    } else if name.starts_with("csc-bridge") || registry().database(name).is_ok() || registry().sink(name).is_ok() {
        "is one of csc-bridge's own"
    } else {
        return Ok(());
    };
    let message = format!("the plugin's name \"{}\" {wrong}", name.escape_debug());
    Err(Error::new(Kind::Config, message, "take another, such as care-director: it is what [source] adapter will say"))
}

/// What `--sdk` names.
fn named(sdk: &str) -> Result<Sources> {
    let wrong = |message: String| {
        Error::new(
            Kind::Config,
            message,
            "name the folder with csc-bridge's sources (the one with Cargo.lock), or a git repository: https://…#v0.1.0",
        )
    };
    let is_url = ["https://", "http://", "ssh://", "git://", "file://"].iter().any(|scheme| sdk.starts_with(scheme));
    if is_url {
        // Both go into Cargo.toml between quotes.
        if sdk.contains(|letter: char| letter == '"' || letter == '\\' || letter.is_control()) {
            return Err(wrong("--sdk is an address that git would not take".to_owned()));
        }
        let (url, tag) = sdk.split_once('#').map_or((sdk, None), |(url, tag)| (url, Some(tag.to_owned())));
        return Ok(Sources::Git(url.to_owned(), tag));
    }
    let folder = fs::canonicalize(sdk).ok().filter(|folder| folder.join(MARK).is_file());
    folder.map(Sources::Folder).ok_or_else(|| wrong(format!("{sdk} is no folder with csc-bridge's sources")))
}

/// The sources around the current folder, or around this program where it was built from them; or else this version's.
fn found() -> Sources {
    let around = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let checkout = around.into_iter().flatten().find_map(|inner| {
        let inner = fs::canonicalize(inner).ok()?;
        inner.ancestors().find(|folder| folder.join(MARK).is_file()).map(Path::to_owned)
    });
    let tag = || Some(format!("v{}", env!("CARGO_PKG_VERSION")));
    checkout.map_or_else(|| Sources::Git(env!("CARGO_PKG_REPOSITORY").to_owned(), tag()), Sources::Folder)
}

/// Makes the folder, which must be new; the folders around it need not be there.
fn make(folder: &Path) -> Result<()> {
    if let Some(around) = folder.parent() {
        fs::create_dir_all(around).map_err(|error| cannot_write(around, error.kind()))?;
    }
    fs::create_dir(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(
            Kind::Config,
            format!("{} is there already", folder.display()),
            "it was left as it is; name a folder that is not there with --path DIR",
        ),
        kind => cannot_write(folder, kind),
    })
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| cannot_write(folder, error.kind()))?;
    }
    fs::write(path, text).map_err(|error| cannot_write(path, error.kind()))?;
    #[cfg(unix)]
    if path.extension().is_some_and(|ending| ending == "sh") {
        use std::os::unix::fs::PermissionsExt;
        let may_run = fs::Permissions::from_mode(0o755);
        fs::set_permissions(path, may_run).map_err(|error| cannot_write(path, error.kind()))?;
    }
    Ok(())
}

fn cannot_write(path: &Path, kind: std::io::ErrorKind) -> Error {
    Error::new(
        Kind::Io,
        format!("{} cannot be written: {kind}", path.display()),
        "check the folder and its permissions",
    )
}

/// The template with the plugin's own name, and with its dependencies' place.
fn filled_in(text: &str, name: &str, dependency: &str, sources: &Sources) -> String {
    let text = text.replace("care-director", name).replace("care_director", &name.replace('-', "_"));
    // A path leads to each crate; a repository is searched for it.
    let lines = text.split_inclusive('\n').map(|line| match (line.split_once("{ SDK/"), sources) {
        (None, _) => line.to_owned(),
        (Some((before, place)), Sources::Folder(_)) => {
            format!("{before}{{ {dependency}{}", place.replace(" }", "\" }"))
        }
        (Some((before, _)), Sources::Git(..)) => format!("{before}{{ {dependency}\" }}\n"),
    });
    lines.collect()
}

/// The way from one folder to another, both without symbolic links; the other itself where there is none (another drive).
fn relative(from: &Path, to: &Path) -> PathBuf {
    let same = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    // Nothing in common but the root: the whole path says more.
    if same < 2 {
        return to.to_owned();
    }
    let up = from.components().skip(same).map(|_| Component::ParentDir);
    up.chain(to.components().skip(same)).collect()
}

/// A path between quotes in TOML. Windows takes these slashes, too, but not behind the prefix that it gives whole paths.
fn in_toml(path: &Path) -> String {
    let text = path.display().to_string();
    match cfg!(windows) {
        true => text.trim_start_matches(r"\\?\").replace('\\', "/"),
        false => text.replace('\\', r"\\").replace('"', r#"\""#),
    }
}
