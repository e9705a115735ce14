//! `simulate`: the DfE end on this machine, until Ctrl-C.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use csc_bridge_core::config::{self, Names, PayloadConfig, Profile, Semantics};
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::payload::definition::Definition;
use csc_bridge_core::payload::{Plan, validate};
use csc_bridge_dfe_csc_simulator::{Faults, Running, Settings, Simulator, Validator};

use crate::cli::{Global, Simulate};
use crate::log;
use crate::report::Report;
use crate::setup::today;

/// The command.
pub async fn simulate(global: &Global, args: &Simulate, report: &mut Report) -> anyhow::Result<()> {
    log::start_without_file(global);
    let latency = args.latency.parse::<Latency>()?.0;
    let faults = args.faults.as_deref().map(Faults::load).transpose()?.unwrap_or_default();
    // The command line takes these two words only.
    let semantics = if args.semantics == "merge" { Semantics::Merge } else { Semantics::Replace };
    let definition = config::load_definition("dfe-csc-0.9", std::path::Path::new("."))?;
    let settings = Settings {
        validator: if args.no_validate { None } else { Some(validator(&definition, semantics)?) },
        semantics,
        latency,
        faults,
        state: args.state.clone(),
        ..Settings::default()
    };
    let running = start(args.listen, settings).await?;
    eprintln!("the DfE end is simulated at http://{}; Ctrl-C ends it", running.addr());
    ended().await?;
    report.key("stats", running.stats());
    running.stop().await?;
    Ok(())
}

/// Starts a simulator.
pub async fn start(listen: SocketAddr, settings: Settings) -> anyhow::Result<Running> {
    Ok(Simulator::start(listen, settings).await?)
}

/// Judges documents by the definition, as they are to be read.
pub fn validator(definition: &Definition, semantics: Semantics) -> anyhow::Result<Validator> {
    let payload = PayloadConfig::default();
    let plan = Plan::new(definition, &Profile::default(), &Names::default(), &payload, today()?)?;
    Ok(Arc::new(move |document| validate::complaints(&plan, semantics, document)))
}

struct Latency(Duration);

impl std::str::FromStr for Latency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        config::Span::parse(text)
            .map(|span| Latency(span.0))
            .ok_or_else(|| Error::new(Kind::Config, "--latency is not a length of time", "write 50ms or 2s"))
    }
}

/// Waits for Ctrl-C or the service manager's stop.
async fn ended() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
