//! What every command begins with: the configuration, the adapters, the run date, the plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use csc_bridge_core::config::{Config, ManagedBy};
use csc_bridge_core::delta::Policy;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::payload::Plan;
use csc_bridge_core::pipeline::{Accepted, Interrupt, Shows, StageSettings, intent_life};
use csc_bridge_core::pseudonym::Pseudonyms;
use csc_bridge_core::registry::Registry;
use csc_bridge_core::sink::{Facts, Sink};
use csc_bridge_core::source::Source;
use csc_bridge_core::staging::Staging;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::Global;
use crate::log;
use crate::plugin;
use crate::report::Report;

/// The adapters that this program is built with.
pub fn registry() -> Registry {
    let registry = Registry::default()
        .with_database(csc_bridge_sqlite::SqliteAdapter)
        .with_database(csc_bridge_postgres::PostgresAdapter)
        .with_database(csc_bridge_sqlserver::SqlServerAdapter)
        .with_sink(csc_bridge_dfe_csc_api::DfeCscApi)
        .with_sink(csc_bridge_file::FileSink);
    #[cfg(feature = "oracle")]
    let registry = registry.with_database(csc_bridge_oracle::OracleAdapter);
    registry
}

/// Whether there is such a database adapter. Of one that this program was built without it says so.
fn must_have_database(registry: &Registry, name: &str) -> Result<()> {
    match registry.database(name) {
        Ok(_) => Ok(()),
        Err(_) if name == "oracle" && cfg!(not(feature = "oracle")) => Err(Error::new(
            Kind::Config,
            "this csc-bridge was built without its database adapter \"oracle\"",
            "use one that has it: it is there unless somebody builds with --no-default-features",
        )),
        Err(error) => Err(error),
    }
}

/// A configuration with its adapters, ready to open.
pub struct Setup {
    pub config: Config,
    pub registry: Registry,
}

impl Setup {
    /// Finds and reads the configuration, and starts the log.
    pub fn load(global: &Global, report: &mut Report, anon: bool) -> Result<Setup> {
        let setup = Setup::read(global, anon)?;
        setup.start(global, report)?;
        Ok(setup)
    }

    /// Finds and reads the configuration.
    pub fn read(global: &Global, anon: bool) -> Result<Setup> {
        let mut config = config(global)?;
        if anon {
            config = config.anon();
        }
        let registry = plugin::load::with_plugins(registry(), &config)?;
        // Adapters first: what else is wrong with a configuration for an adapter that this program lacks does not matter.
        must_have_database(&registry, &config.source.adapter)?;
        must_have_database(&registry, &config.staging.adapter)?;
        registry.sink(&config.sink.adapter)?;
        Ok(Setup { config, registry })
    }

    /// Starts what is kept in the state folder: the pseudonyms and the log.
    pub fn start(&self, global: &Global, report: &mut Report) -> Result<()> {
        let pseudonyms = Pseudonyms::open(&self.config.state_dir, self.config.log.ids)?;
        log::start(global, &self.config)?;
        report.names_children_by(pseudonyms);
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            run_id = report.run_id(),
            command = report.command(),
            "started"
        );
        Ok(())
    }

    /// The source.
    pub fn source(&self) -> Result<Arc<dyn Source>> {
        self.registry.database(&self.config.source.adapter)?.source(&self.config.source.options)
    }

    /// The staging tables.
    pub fn staging(&self) -> Result<Arc<dyn Staging>> {
        // It takes keys over from [source]: a slip there is told as [source]'s own.
        self.source()?;
        let staging = &self.config.staging;
        let file = self.config.state_dir.join(format!("submission-log-{}.sqlite", self.config.la_code));
        let fallback = csc_bridge_sqlite::fallback_logs(&file, staging)?;
        self.registry.database(&staging.adapter)?.staging(&staging.options, staging, Some(fallback))
    }

    /// The sink.
    pub fn sink(&self) -> Result<Arc<dyn Sink>> {
        let sink = &self.config.sink;
        self.registry.sink(&sink.adapter)?.sink(&sink.options, &self.config.la_code)
    }

    /// What the configuration says of the sink, without its secrets.
    pub fn sink_facts(&self) -> Result<Facts> {
        let sink = &self.config.sink;
        self.registry.sink(&sink.adapter)?.facts(&sink.options)
    }

    /// The run date: today in England, or `--run-date` where nothing leaves this machine.
    pub fn run_date(&self, asked: Option<Date>, sink: Facts, report: &mut Report) -> Result<Date> {
        let date = match asked {
            Some(_) if !sink.is_local => {
                return Err(Error::new(
                    Kind::Config,
                    "--run-date is only for a sink on this machine",
                    "leave it out, or send to the simulator on a loopback address or to files",
                ));
            }
            Some(date) => date,
            None => today()?,
        };
        report.run_date(date);
        Ok(date)
    }

    /// How `stage` works here, with nothing let through and nothing shown.
    pub fn stage_settings(&self, sink: Facts, dry_run: bool) -> StageSettings {
        let config = &self.config;
        StageSettings {
            shard: None,
            chunk: config.source.chunk,
            unstable_ids: config.payload.unstable_ids.clone(),
            policy: Policy { semantics: config.sink.semantics, mode: config.payload.mode, deletions: config.deletions },
            removed_values: config.payload.removed_values,
            guards: config.guards,
            accepted: Accepted::default(),
            dry_run,
            intent_life: intent_life(&sink.limits),
            shows: Shows::default(),
            interrupt: Interrupt::default(),
        }
    }

    /// Refuses to stage into a table that somebody else's SQL fills.
    pub fn may_stage(&self, command: &str) -> Result<()> {
        match self.config.staging.managed_by {
            ManagedBy::CscBridge => Ok(()),
            ManagedBy::Sql => Err(Error::new(
                Kind::Config,
                format!(
                    "{command} stages, and [staging] managed_by is \"sql\": somebody else's script fills that table"
                ),
                "send what it holds with: csc-bridge submit; or write managed_by = \"csc-bridge\", once their script no longer runs",
            )),
        }
    }

    /// The definition, resolved for this CMS and this run.
    pub fn plan(&self, run_date: Date) -> Result<Arc<Plan>> {
        let config = &self.config;
        Plan::new(&config.definition, &config.profile, &config.names, &config.payload, run_date).map(Arc::new)
    }
}

/// The configuration, found and read.
pub fn config(global: &Global) -> Result<Config> {
    Config::load(&find(global)?)
}

/// Today in England.
pub fn today() -> Result<Date> {
    let london = TimeZone::get("Europe/London").map_err(|_| {
        Error::new(
            Kind::Io,
            "this machine has no time zone data for Europe/London",
            "install the operating system's tzdata package",
        )
    })?;
    Ok(Timestamp::now().to_zoned(london).date())
}

/// Made-up children belong beside a simulated DfE only.
pub fn refuse_real_sink(sink: Facts, command: &str) -> Result<()> {
    if sink.is_local {
        return Ok(());
    }
    Err(Error::new(
        Kind::Config,
        format!("{command} writes made-up children into the source, and this configuration sends to a real address"),
        "use a configuration whose sink is the simulator on a loopback address, or files",
    ))
}

fn find(global: &Global) -> Result<PathBuf> {
    if let Some(path) = &global.config {
        return Ok(path.clone());
    }
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("csc-bridge.toml")));
    let places = [Some(Path::new("csc-bridge.toml").to_owned()), beside];
    places.into_iter().flatten().find(|path| path.is_file()).ok_or_else(|| {
        Error::new(
            Kind::Config,
            "there is no csc-bridge.toml here or beside the program",
            "name one with -c FILE, or make one with: csc-bridge init --cms sqlite",
        )
    })
}
