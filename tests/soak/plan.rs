//! What goes wrong, and when: all of it follows from a seed, and nothing from the clock or from chance.
//!
//! A supervisor has two rows of faults. Its STS answers request by request, and what comes from outside is bound to a
//! generation (the number of sessions that its STS has issued) and a delay after it.

use std::fmt;
use std::time::Duration;

use crate::Kind;
use crate::support::Answer;

/// More than any soak gets to.
const REQUESTS: usize = 20_000;
const GENERATIONS: usize = 10_000;
pub const MOST_STRANGERS: u64 = 50;

/// All faults of one supervisor.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    pub replies: Vec<Reply>,
    pub strokes: Vec<Stroke>,
}

impl Plan {
    pub fn new(kind: Kind, seed: u64) -> Self {
        let mut dice = Dice { state: seed ^ (kind as u64 + 1).wrapping_mul(0xd6e8_feb8_6659_fd93) };
        // The first session must come, or there is nothing to supervise.
        let mut replies = vec![Reply::Good];
        replies.extend((1..REQUESTS).map(|_| Reply::random(kind, &mut dice)));
        let strokes = (2..GENERATIONS).filter_map(|generation| Stroke::random(kind, generation, &mut dice)).collect();
        Self { replies, strokes }
    }

    /// For each request so far, how many sessions were issued before it.
    pub fn generation_at(&self, request: usize) -> usize {
        self.replies[..request].iter().filter(|reply| reply.issues()).count()
    }
}

/// How STS answers one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Good,
    Throttled,
    Unavailable,
    Denied,
    /// 200, and no answer of STS.
    Page,
    Reset,
    /// Reset after so many bytes of a good answer: issued, and lost.
    Cut(usize),
    Hang,
    /// Good after so many milliseconds.
    Slow(u64),
    /// Good, with so many microseconds before each byte.
    Drip(u64),
}

impl Reply {
    /// Three in four are good.
    fn random(kind: Kind, dice: &mut Dice) -> Self {
        match dice.below(36) {
            0 => Self::Throttled,
            1 => Self::Unavailable,
            2 => Self::Denied,
            3 => Self::Page,
            4 => Self::Reset,
            // The whole has twice as many.
            5 => Self::Cut(usize::try_from(dice.below(600)).unwrap_or_default() + 1),
            // Clients of the endpoint are to have valid credentials throughout, so its calls may fail but not take long.
            6 if kind != Kind::Endpoint => Self::Hang,
            7 => Self::Slow(50 + dice.below(150)),
            8 => Self::Drip(20 + dice.below(40)),
            _ => Self::Good,
        }
    }

    /// Whether it makes a session.
    pub fn issues(self) -> bool {
        match self {
            Self::Good | Self::Cut(_) | Self::Slow(_) | Self::Drip(_) => true,
            Self::Throttled | Self::Unavailable | Self::Denied | Self::Page | Self::Reset | Self::Hang => false,
        }
    }

    pub fn answer(self) -> Answer {
        match self {
            Self::Good => Answer::Ok,
            Self::Throttled => Answer::throttling(),
            Self::Unavailable => Answer::unavailable(),
            Self::Denied => Answer::error(403, "AccessDenied", "the trust policy is being edited"),
            Self::Page => Answer::body(200, "text/html", "<html>a proxy's page</html>"),
            Self::Reset => Answer::Reset,
            Self::Cut(bytes) => Answer::ResetAfter(bytes),
            Self::Hang => Answer::Hang,
            Self::Slow(milliseconds) => Answer::Slow(Duration::from_millis(milliseconds)),
            Self::Drip(microseconds) => Answer::Drip(Duration::from_micros(microseconds)),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::Throttled => f.write_str("throttled"),
            Self::Unavailable => f.write_str("unavailable"),
            Self::Denied => f.write_str("denied"),
            Self::Page => f.write_str("a page of HTML"),
            Self::Reset => f.write_str("reset"),
            Self::Cut(bytes) => write!(f, "reset after {bytes} bytes"),
            Self::Hang => f.write_str("hang"),
            Self::Slow(milliseconds) => write!(f, "slow, {milliseconds} ms"),
            Self::Drip(microseconds) => write!(f, "drip, {microseconds} us a byte"),
        }
    }
}

/// Something that is done to a supervisor or its command from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stroke {
    pub generation: usize,
    pub after: Duration,
    pub blow: Blow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// A signal to the supervisor that it is to forward, and that the command counts.
    Usr1,
    Hup,
    /// The command is stopped by SIGSTOP, for so many milliseconds.
    Pause(u64),
    /// The cache is removed.
    NoCache,
    /// The folder of the delivered files is touched: a foreign file comes and goes, its times change.
    Touch,
    /// The command will not mind the next TERM.
    Deaf,
    /// The command leaves this many orphans behind.
    Orphans,
    /// So many connections to the endpoint without its token, some in the middle of a request.
    Strangers(u64),
    /// Standard error takes nothing for so many milliseconds: a pipe that is full, or a terminal under ^S.
    Clog(u64),
    /// The config file is a FIFO for so many milliseconds.
    Fifo(u64),
    /// The file system of the credentials file is frozen for so many milliseconds.
    Freeze(u64),
}

impl Stroke {
    /// One in three generations gets one.
    fn random(kind: Kind, generation: usize, dice: &mut Dice) -> Option<Self> {
        let struck = dice.below(3) == 0;
        let after = Duration::from_millis(dice.below(900));
        let blow = match (dice.below(10), kind) {
            // The command of `signal` is told of a new session by it.
            (1, Kind::Restart | Kind::Endpoint | Kind::Init) => Blow::Hup,
            (1 | 6, Kind::Signal) | (6, Kind::Endpoint) => Blow::Touch,
            (2, _) => Blow::Pause(50 + dice.below(350)),
            (3, _) => Blow::NoCache,
            (4, Kind::Restart | Kind::Init) => Blow::Deaf,
            (4 | 5, Kind::Endpoint) => Blow::Strangers(10 + dice.below(MOST_STRANGERS - 10)),
            (5 | 6, Kind::Init) => Blow::Orphans,
            (7, _) => Blow::Clog(100 + dice.below(1400)),
            (8, _) => Blow::Fifo(100 + dice.below(1400)),
            (9, Kind::Signal) => Blow::Freeze(100 + dice.below(1400)),
            (0 | 4.., _) => Blow::Usr1,
        };
        struck.then_some(Self { generation, after, blow })
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usr1 => f.write_str("USR1"),
            Self::Hup => f.write_str("HUP"),
            Self::Pause(milliseconds) => write!(f, "the command stopped for {milliseconds} ms"),
            Self::NoCache => f.write_str("cache removed"),
            Self::Touch => f.write_str("folder touched"),
            Self::Deaf => f.write_str("the command deaf to TERM"),
            Self::Orphans => f.write_str("orphans"),
            Self::Strangers(count) => write!(f, "{count} strangers"),
            Self::Clog(milliseconds) => write!(f, "standard error blocked for {milliseconds} ms"),
            Self::Fifo(milliseconds) => write!(f, "a FIFO as the config file for {milliseconds} ms"),
            Self::Freeze(milliseconds) => write!(f, "the credentials file's file system frozen for {milliseconds} ms"),
        }
    }
}

/// `SplitMix64`: spreads any seed well enough for choosing faults.
struct Dice {
    state: u64,
}

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
