//! Every reason for which a file is not loaded.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use csc_bridge_core::config::{AllowedPlugin, Config};
use csc_bridge_core::error::Kind;
use csc_bridge_plugin_host::{Plugin, PluginAdapter, trust};

use crate::support::*;

fn refused(folder: &Folder, allow: &[AllowedPlugin], kind: Kind, says: &str) {
    let error = trust::open(folder.path(), "hostile", allow).err().expect("it was let in");
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.message().contains(says), "{error:?}");
    assert!(error.message().starts_with("the plugin hostile is not loaded: "), "{error:?}");
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_on_the_list_with_its_hash_is_let_in() {
    let folder = build("good");
    let verified = trust::open(folder.path(), "hostile", &folder.allow()).unwrap();
    assert_eq!(verified.manifest().version, "1.0.0");
    assert_eq!(verified.manifest().abi, (1, 1));
}

#[test]
fn what_is_not_on_the_list_is_refused() {
    let folder = build("good");
    refused(&folder, &[], Kind::Config, "not on the list");
    let mut allow = folder.allow();
    allow[0].name = "hostile2".to_owned();
    refused(&folder, &allow, Kind::Config, "not on the list");
    let error = trust::open(folder.path(), "hostile", &[]).err().unwrap();
    assert!(error.advice().contains("csc-bridge plugin pin hostile"), "{error:?}");
}

#[test]
fn a_library_without_its_manifest_is_refused() {
    let folder = build("good");
    std::fs::remove_file(folder.manifest()).unwrap();
    refused(&folder, &folder.allow(), Kind::Config, "its manifest hostile.toml is not in");
}

#[test]
fn a_manifest_for_another_name_is_refused() {
    let folder = build("good");
    folder.write_manifest("name = \"gentle\"");
    refused(&folder, &folder.allow(), Kind::Config, "for another name");
}

#[test]
fn a_manifest_that_is_none_is_refused() {
    let folder = build("good");
    for text in ["", "name = \"hostile\"", "name = 7\n", "\u{0}"] {
        std::fs::write(folder.manifest(), text).unwrap();
        refused(&folder, &folder.allow(), Kind::Config, "is not TOML with");
    }
    folder.write_manifest("licence = \"MIT\"");
    refused(&folder, &folder.allow(), Kind::Config, "is not TOML with");
}

#[test]
fn a_boundary_that_does_not_fit_is_refused() {
    let folder = build("good");
    for abi in ["abi = [2, 3]", "abi = [0, 0]", "abi = 2", "abi = [2, 0]"] {
        folder.write_manifest(abi);
        refused(&folder, &folder.allow(), Kind::Config, "of the boundary");
    }
    folder.write_manifest("abi = 1");
    trust::open(folder.path(), "hostile", &folder.allow()).unwrap();
}

#[test]
fn a_library_that_changed_since_is_refused() {
    let folder = build("good");
    let allow = folder.allow();
    let mut bytes = std::fs::read(folder.library()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(folder.library(), bytes).unwrap();
    // Also where its manifest was changed with it.
    refused(&folder, &allow, Kind::Permission, "not the one that [plugins] allow names");
    folder.write_manifest("");
    refused(&folder, &allow, Kind::Permission, "not the one that [plugins] allow names");
}

#[test]
fn a_library_that_is_not_the_manifests_is_refused() {
    let folder = build("good");
    folder.write_manifest(&format!("sha256 = \"{}\"", "0".repeat(64)));
    refused(&folder, &folder.allow(), Kind::Permission, "not the one that its manifest names");
    assert!(trust::pin(folder.path(), "hostile").is_err());
}

#[test]
fn symbolic_links_are_refused_wherever_they_lead() {
    let (folder, elsewhere) = (build("good"), tempfile::tempdir().unwrap());
    let allow = folder.allow();
    for (path, outside) in [(folder.library(), "lib"), (folder.manifest(), "toml")] {
        for target in [elsewhere.path().join(outside), folder.path().join("inside")] {
            std::fs::rename(&path, &target).unwrap();
            symlink(&target, &path).unwrap();
            refused(&folder, &allow, Kind::Permission, "is a symbolic link");
            std::fs::remove_file(&path).unwrap();
            std::fs::rename(&target, &path).unwrap();
        }
    }
    trust::open(folder.path(), "hostile", &allow).unwrap();
}

#[test]
fn a_file_outside_the_folder_cannot_be_named() {
    let folder = build("good");
    let allow = folder.allow();
    for file in ["../libhostile.so", "/lib/libhostile.so", "a/b.so", "a\\\\b.so", "..", ".", ""] {
        folder.write_manifest(&format!("file = \"{file}\""));
        refused(&folder, &allow, Kind::Config, "not the name of a file in the same folder");
    }
}

#[test]
fn a_name_with_a_path_in_it_is_refused() {
    let folder = build("good");
    for name in ["../hostile", "a/hostile", "a\\hostile", "hostile.toml", "Hostile", "", "hostile\0", &"x".repeat(65)] {
        let mut allow = folder.allow();
        allow[0].name = name.to_owned();
        let error = trust::open(folder.path(), name, &allow).err().expect(name);
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.message().contains("its name is not 1 to 64"), "{error:?}");
        assert!(trust::pin(folder.path(), name).is_err());
    }
}

#[test]
fn what_others_may_write_is_refused() {
    let folder = build("good");
    let allow = folder.allow();
    for (path, mode) in [(folder.path().to_owned(), 0o755), (folder.library(), 0o755), (folder.manifest(), 0o644)] {
        for (bit, who) in [(0o020, "its group"), (0o002, "others")] {
            chmod(&path, mode | bit);
            refused(&folder, &allow, Kind::Permission, &format!("may be written by {who}"));
        }
        chmod(&path, mode);
    }
    trust::open(folder.path(), "hostile", &allow).unwrap();
}

#[test]
fn a_named_pipe_is_refused_and_not_waited_for() {
    let folder = build("good");
    let allow = folder.allow();
    std::fs::remove_file(folder.library()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.library()).status().unwrap();
    assert!(made.success());
    refused(&folder, &allow, Kind::Permission, "is not a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_hashed_is_loaded_and_not_what_lies_there_now() {
    for hosted in BOTH {
        let folder = build("good");
        let verified = folder.verified();
        // Between the check and the loading: in place, which keeps the file that was opened, and by a new file.
        folder.build("crash", &["WHERE=describe", "HOW=abort()"], false);
        std::fs::remove_file(folder.library()).unwrap();
        folder.build("crash", &["WHERE=describe", "HOW=abort()"], false);
        let adapter = load(verified, hosted, Default::default()).unwrap();
        assert_eq!(adapter.plugin().description().version, "1.0.0");
        let source = source(&adapter).unwrap();
        // The second session's child starts later still.
        for _ in 0..2 {
            assert_eq!(read(source.as_ref()).await.unwrap(), two_rows());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pinned_is_let_in_as_the_configuration_says() {
    for (more, hosted) in [("", InProcess), (", isolate = true, timeout = \"30s\"", Isolated)] {
        let folder = build_with(
            "crash",
            &["WHERE=session_scan", "HOW=if (getppid() == PARENT) abort()", &format!("PARENT={}", std::process::id())],
        );
        let line = trust::pin(folder.path(), "hostile").unwrap().replace(" }", &format!("{more} }}"));
        let text = format!("cms = \"sqlite\"\nla_code = \"845\"\n[plugins]\nfolder = \".\"\nallow = [{line}]\n");
        let config = Config::parse(&folder.path().join("csc-bridge.toml"), &text).unwrap();
        let verified = trust::open(&config.plugins.folder, "hostile", &config.plugins.allow).unwrap();
        let adapter = PluginAdapter::new(Plugin::load(verified, program()).unwrap());
        // It ends a child of this process, and nothing else.
        assert_eq!(read(source(&adapter).unwrap().as_ref()).await.is_err(), hosted == Isolated);
    }
}

#[test]
fn everything_that_lies_there_is_listed_with_a_verdict() {
    let folder = build("good");
    std::fs::write(folder.path().join("stray.so"), "x").unwrap();
    std::fs::write(folder.path().join("broken.toml"), "x").unwrap();
    let mut allow = folder.allow();
    allow.push(AllowedPlugin { name: "gone".to_owned(), ..allow[0].clone() });
    let found = trust::inspect(folder.path(), &allow).unwrap();
    let verdicts: Vec<(&str, bool, bool)> =
        found.iter().map(|found| (found.name.as_str(), found.verdict.is_ok(), found.sha256.is_some())).collect();
    assert_eq!(
        verdicts,
        [("broken", false, false), ("gone", false, false), ("hostile", true, true), ("stray.so", false, false)]
    );
    // What is not allowed has its hash shown all the same.
    let found = trust::inspect(folder.path(), &[]).unwrap();
    let hostile = found.iter().find(|found| found.name == "hostile").unwrap();
    assert!(hostile.verdict.is_err());
    assert_eq!(hostile.sha256.as_deref(), Some(folder.hash().as_str()));
}
