//! How long batches wait.

use std::time::Duration;

use csc_bridge_core::config::Span;
use fastrand::Rng;
use serde::Deserialize;

/// How long a batch waits before it is looked at.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Keys")]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// Anything between two lengths of time, each as likely.
    Uniform(Duration, Duration),
    /// As servers mostly are: log-normal, half below `median`, one in a hundred above `p99`.
    LogNormal {
        /// Not zero.
        median: Duration,
        /// At least the median.
        p99: Duration,
    },
}

/// A standard normal variable is below this in 99 of 100 cases.
const Z_OF_P99: f64 = 2.326_347_874;

/// However far out the tail is drawn, the wait is one that a sender can be shown to survive.
const LONGEST: Duration = Duration::from_secs(3600);

impl Latency {
    /// One wait.
    pub(super) fn draw(&self, random: &mut Rng) -> Duration {
        match self {
            Latency::Fixed(wait) => *wait,
            Latency::Uniform(least, most) => *least + most.saturating_sub(*least).mul_f64(random.f64()),
            Latency::LogNormal { median, p99 } => {
                let sigma = (p99.as_secs_f64() / median.as_secs_f64()).ln() / Z_OF_P99;
                let wait = median.as_secs_f64() * (sigma * normal(random)).exp();
                Duration::try_from_secs_f64(wait).unwrap_or(LONGEST).min(LONGEST)
            }
        }
    }
}

/// A standard normal variable, by Box and Muller.
fn normal(random: &mut Rng) -> f64 {
    // 1 - x: the logarithm of 0 is none.
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}

/// As it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    fixed: Option<Span>,
    uniform: Option<(Span, Span)>,
    median: Option<Span>,
    p99: Option<Span>,
}

impl TryFrom<Keys> for Latency {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<Self, Self::Error> {
        match keys {
            Keys { fixed: Some(Span(wait)), uniform: None, median: None, p99: None } => Ok(Latency::Fixed(wait)),
            Keys { fixed: None, uniform: Some((Span(least), Span(most))), median: None, p99: None }
                if least <= most =>
            {
                Ok(Latency::Uniform(least, most))
            }
            Keys { fixed: None, uniform: Some(_), median: None, p99: None } => {
                Err("the lesser length of time goes first")
            }
            Keys { fixed: None, uniform: None, median: Some(Span(median)), p99: Some(Span(p99)) } => {
                match !median.is_zero() && median <= p99 {
                    true => Ok(Latency::LogNormal { median, p99 }),
                    false => Err("the median is more than nothing and p99 at least the median"),
                }
            }
            _ => Err(
                "write { fixed = \"50ms\" }, { uniform = [\"10ms\", \"90ms\"] } or { median = \"50ms\", p99 = \"2s\" }",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(latency: &Latency) -> Vec<Duration> {
        let mut random = Rng::with_seed(1);
        let mut waits: Vec<Duration> = (0..10_000).map(|_| latency.draw(&mut random)).collect();
        waits.sort();
        waits
    }

    fn near(wait: Duration, expected_ms: f64) -> bool {
        (wait.as_secs_f64() * 1000.0 / expected_ms - 1.0).abs() < 0.15
    }

    #[test]
    fn a_log_normal_latency_has_its_median_and_its_99th_percentile() {
        let waits = drawn(&Latency::LogNormal { median: Duration::from_millis(50), p99: Duration::from_secs(2) });
        assert!(near(waits[5_000], 50.0), "{:?}", waits[5_000]);
        assert!(near(waits[9_900], 2000.0), "{:?}", waits[9_900]);
    }

    #[test]
    fn a_uniform_latency_stays_between_its_ends() {
        let waits = drawn(&Latency::Uniform(Duration::from_millis(10), Duration::from_millis(90)));
        assert!(waits[0] >= Duration::from_millis(10) && waits[9_999] <= Duration::from_millis(90));
        assert!(near(waits[5_000], 50.0) && near(waits[7_500], 70.0));
    }
}
