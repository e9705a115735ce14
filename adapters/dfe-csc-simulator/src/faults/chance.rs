//! Which request is struck by what, decided in the order of arrival.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{Fault, FaultKind, Faults, On, When};

/// The span that [`super::RateLimit`] counts over.
const SECOND: Duration = Duration::from_secs(1);

/// Faults at work.
pub(crate) struct Chance {
    faults: Arc<Faults>,
    /// Each kind of request has draws of its own, and latency too: a token request more does not move the faults of the batches.
    connections: Draws,
    tokens: Draws,
    children: Draws,
    latency: Rng,
    /// When the batches of the last second came, but for those over the limit.
    recent: VecDeque<Instant>,
}

/// What was decided about a batch when it came.
pub(crate) struct Arrival {
    /// The faults of that moment.
    pub faults: Arc<Faults>,
    /// What strikes it.
    pub fault: Option<FaultKind>,
    /// How long it waits, where that is drawn.
    pub latency: Option<Duration>,
    /// Whether it is one too many for the rate limit.
    pub too_soon: bool,
}

struct Draws {
    random: Rng,
    count: u64,
}

impl Chance {
    /// Begins to count.
    pub fn new(faults: Faults) -> Chance {
        let mut seeds = Rng::with_seed(faults.seed);
        let mut draws = || Draws { random: seeds.fork(), count: 0 };
        Chance {
            connections: draws(),
            tokens: draws(),
            children: draws(),
            latency: seeds.fork(),
            recent: VecDeque::new(),
            faults: Arc::new(faults),
        }
    }

    /// Whether a connection is refused.
    pub fn connection(&mut self) -> Option<FaultKind> {
        self.connections.next(&self.faults, On::Connection)
    }

    /// The faults, and what strikes a token request.
    pub fn token(&mut self) -> (Arc<Faults>, Option<FaultKind>) {
        (self.faults.clone(), self.tokens.next(&self.faults, On::Token))
    }

    /// All about a batch.
    pub fn batch(&mut self, now: Instant) -> Arrival {
        Arrival {
            fault: self.children.next(&self.faults, On::Children),
            latency: self.faults.latency.as_ref().map(|latency| latency.draw(&mut self.latency)),
            too_soon: self.too_soon(now),
            faults: self.faults.clone(),
        }
    }

    fn too_soon(&mut self, now: Instant) -> bool {
        let Some(limit) = &self.faults.rate_limit else {
            return false;
        };
        while self.recent.front().is_some_and(|then| now.saturating_duration_since(*then) >= SECOND) {
            self.recent.pop_front();
        }
        let too_soon = self.recent.len() >= limit.per_second.get() as usize;
        if !too_soon {
            self.recent.push_back(now);
        }
        too_soon
    }
}

impl Draws {
    /// What strikes the next one. A request that a script names is not struck by chance as well, but takes its draw all the same: so
    /// a script does not move what strikes the others.
    fn next(&mut self, faults: &Faults, on: On) -> Option<FaultKind> {
        self.count += 1;
        let mut left = self.random.f64();
        let mine = || faults.faults.iter().filter(|fault| fault.on == on);
        let scripted = |fault: &&Fault| matches!(&fault.when, When::Requests(numbers) if numbers.contains(&self.count));
        let by_chance = |fault: &&Fault| match fault.when {
            When::Rate(share) if left < share => true,
            When::Rate(share) => {
                left -= share;
                false
            }
            When::Requests(_) => false,
        };
        mine().find(scripted).or_else(|| mine().find(by_chance)).map(|fault| fault.kind.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::RateLimit;
    use super::*;

    fn struck(seed: u64, faults: Vec<Fault>) -> Vec<Option<String>> {
        let mut chance = Chance::new(Faults { seed, faults, ..Faults::default() });
        let now = Instant::now();
        (0..10_000).map(|_| chance.batch(now).fault.map(|kind| kind.name())).collect()
    }

    fn by_rate() -> Vec<Fault> {
        vec![Fault::rate(0.05, FaultKind::Lost), Fault::rate(0.2, FaultKind::status(500))]
    }

    #[test]
    fn each_fault_strikes_its_share() {
        let struck = struck(7, by_rate());
        let share = |name: &str| struck.iter().flatten().filter(|other| *other == name).count();
        assert!((450..550).contains(&share("lost")), "{}", share("lost"));
        assert!((1900..2100).contains(&share("500")), "{}", share("500"));
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests_and_another_one_others() {
        assert_eq!(struck(7, by_rate()), struck(7, by_rate()));
        assert_ne!(struck(7, by_rate()), struck(8, by_rate()));
    }

    #[test]
    fn a_script_goes_first_and_moves_nothing_else() {
        let mut expected = struck(7, by_rate());
        expected[2] = Some("cut".to_owned());
        expected[6] = Some("cut".to_owned());
        let scripted = [by_rate(), vec![Fault::requests([3, 7], FaultKind::Cut)]].concat();
        assert_eq!(struck(7, scripted), expected);
    }

    #[test]
    fn token_requests_and_latencies_do_not_move_what_strikes_the_batches() {
        let faults = || Faults { seed: 7, faults: by_rate(), ..Faults::default() };
        let latency = Some(super::super::Latency::Uniform(Duration::ZERO, SECOND));
        let (mut plain, mut busy) = (Chance::new(faults()), Chance::new(Faults { latency, ..faults() }));
        for _ in 0..1000 {
            busy.token();
            let now = Instant::now();
            assert_eq!(plain.batch(now).fault, busy.batch(now).fault);
        }
    }

    #[test]
    fn a_rate_limit_holds_in_any_second_and_those_over_it_do_not_count() {
        let rate_limit = Some(RateLimit { per_second: NonZeroU32::MIN.saturating_add(1), retry_after: None });
        let mut chance = Chance::new(Faults { rate_limit, ..Faults::default() });
        let begun = Instant::now();
        let mut too_soon = |ms| chance.batch(begun + Duration::from_millis(ms)).too_soon;
        let seen = [0, 600, 900, 999, 1000, 1500, 1600].map(&mut too_soon);
        assert_eq!(seen, [false, false, true, true, false, true, false]);
    }
}
