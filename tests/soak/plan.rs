//! Which faults happen, and when. Everything is derived from a seed.
//!
//! A supervisor has two lists of faults. The first has the answer of STS to each request. The second has outside
//! faults; each is bound to a generation (the number of sessions that STS has issued) and a delay after it.

use std::fmt;
use std::time::Duration;

use crate::Kind;
use crate::support::Answer;

/// More than any soak reaches.
const REQUESTS: usize = 20_000;
const GENERATIONS: usize = 10_000;

/// All faults of one supervisor.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    pub replies: Vec<PlannedAnswer>,
    pub outside_faults: Vec<OutsideFault>,
}

impl Plan {
    pub fn new(kind: Kind, seed: u64) -> Self {
        let mut dice = Dice { state: seed ^ (kind as u64 + 1).wrapping_mul(0xd6e8_feb8_6659_fd93) };
        // The first session must be issued, or there is nothing to supervise.
        let mut replies = vec![PlannedAnswer::Good];
        for request in 1..REQUESTS {
            // Sessions of keepers also expire: a denial is often followed by others.
            let denied = kind.is_keeper() && replies[request - 1] == PlannedAnswer::Denied && dice.below(3) > 0;
            replies.push(if denied { PlannedAnswer::Denied } else { PlannedAnswer::random(kind, &mut dice) });
        }
        let outside_faults =
            (2..GENERATIONS).filter_map(|generation| OutsideFault::random(kind, generation, &mut dice)).collect();
        Self { replies, outside_faults }
    }

    /// How many sessions were issued before this request.
    pub fn generation_at(&self, request: usize) -> usize {
        self.replies[..request].iter().filter(|reply| reply.issues()).count()
    }
}

/// How STS answers one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannedAnswer {
    Good,
    Throttled,
    Unavailable,
    Denied,
    /// 200, with a body that is not STS's.
    Page,
    Reset,
    /// Reset after this many bytes of a good answer: the session is issued and lost.
    Cut(usize),
    Hang,
    /// Good, after this many milliseconds.
    Slow(u64),
    /// Good, with this many microseconds before each byte.
    Drip(u64),
}

impl PlannedAnswer {
    /// Three in four are good.
    fn random(kind: Kind, dice: &mut Dice) -> Self {
        match dice.below(36) {
            0 => Self::Throttled,
            1 => Self::Unavailable,
            2 => Self::Denied,
            3 => Self::Page,
            4 => Self::Reset,
            // A complete answer has about twice as many bytes.
            5 => Self::Cut(usize::try_from(dice.below(600)).unwrap_or_default() + 1),
            // Clients of the endpoint must have valid credentials all the time, so STS's calls may fail, but not hang.
            6 if kind != Kind::Endpoint => Self::Hang,
            7 => Self::Slow(50 + dice.below(150)),
            8 => Self::Drip(20 + dice.below(40)),
            _ => Self::Good,
        }
    }

    /// Whether STS issues a session with it.
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

impl fmt::Display for PlannedAnswer {
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

/// A fault of a supervisor or its command that comes from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutsideFault {
    pub generation: usize,
    pub after: Duration,
    pub action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// USR1 to the supervisor, which forwards it. The command counts them.
    Usr1,
    Hup,
    /// The command is stopped with SIGSTOP for this many milliseconds.
    Pause(u64),
    /// The cache is removed.
    NoCache,
    /// A file appears in the directory of the delivered files and disappears.
    Touch,
    /// The command ignores the next TERM.
    IgnoreTerm,
    /// The command leaves orphans behind.
    Orphans,
    /// This many connections to the endpoint without its token, half of them within a request.
    Unauthorized(u64),
    /// Standard error blocks for this many milliseconds: a full pipe, or a terminal after Ctrl-S.
    BlockStderr(u64),
    /// The config file is a FIFO for this many milliseconds.
    Fifo(u64),
    /// The file system of the credentials file is frozen for this many milliseconds.
    Freeze(u64),
    /// The next new process does this.
    Begin(Beginning),
    /// HUP at each turn, for this many milliseconds.
    HangUps(u64),
    /// The keeper is ended, and then started again.
    Replace(Ending),
}

/// How a keeper is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Term,
    Kill,
}

/// What a new process does instead of getting ready at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// It exits.
    Exit,
    /// It runs, but never gets ready.
    Hang,
    /// It gets ready after this many milliseconds.
    Slow(u64),
}

impl Beginning {
    /// Parses the output of `Display`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            None if text == "exit" => Some(Self::Exit),
            None if text == "hang" => Some(Self::Hang),
            Some(("slow", milliseconds)) => milliseconds.parse().ok().map(Self::Slow),
            _ => None,
        }
    }
}

impl fmt::Display for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit => f.write_str("exit"),
            Self::Hang => f.write_str("hang"),
            Self::Slow(milliseconds) => write!(f, "slow {milliseconds}"),
        }
    }
}

impl OutsideFault {
    /// One in three generations gets a fault; of a keeper, two in three.
    fn random(kind: Kind, generation: usize, dice: &mut Dice) -> Option<Self> {
        let struck = dice.below(3) < if kind.is_keeper() { 2 } else { 1 };
        let after = Duration::from_millis(dice.below(900));
        let action = match (dice.below(10), kind) {
            // For `signal`, HUP is the refresh signal.
            (1, Kind::Restart | Kind::Endpoint | Kind::Init | Kind::Handover)
            | (1 | 6, Kind::Files)
            | (1 | 6 | 9, Kind::Keeper) => Action::Hup,
            (1 | 6, Kind::Signal) | (6, Kind::Endpoint) => Action::Touch,
            (0, Kind::Keeper | Kind::Files) if dice.below(2) == 0 => Action::Replace(Ending::Kill),
            (0, Kind::Keeper | Kind::Files) => Action::Replace(Ending::Term),
            (5, Kind::Keeper | Kind::Files) => Action::HangUps(500 + dice.below(2500)),
            (2, _) => Action::Pause(50 + dice.below(350)),
            (3, _) => Action::NoCache,
            (0, Kind::Handover) => Action::Begin(Beginning::Slow(100 + dice.below(400))),
            (4, Kind::Restart | Kind::Init | Kind::Handover) => Action::IgnoreTerm,
            // For the memory of sixteen, `resources` has an allowance.
            (4 | 5, Kind::Endpoint) | (4, Kind::Keeper) => Action::Unauthorized(10 + dice.below(7)),
            (5, Kind::Handover) => Action::Begin(Beginning::Exit),
            (6, Kind::Handover) => Action::Begin(Beginning::Hang),
            (5 | 6, Kind::Init) => Action::Orphans,
            (7, _) => Action::BlockStderr(100 + dice.below(1400)),
            (8, _) => Action::Fifo(100 + dice.below(1400)),
            (9, Kind::Signal | Kind::Files) => Action::Freeze(100 + dice.below(1400)),
            (0 | 4.., _) => Action::Usr1,
        };
        struck.then_some(Self { generation, after, action })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usr1 => f.write_str("USR1"),
            Self::Hup => f.write_str("HUP"),
            Self::Pause(milliseconds) => write!(f, "the command stopped for {milliseconds} ms"),
            Self::NoCache => f.write_str("cache removed"),
            Self::Touch => f.write_str("directory touched"),
            Self::IgnoreTerm => f.write_str("the command ignores TERM"),
            Self::Orphans => f.write_str("orphans"),
            Self::Unauthorized(count) => write!(f, "{count} connections without the token"),
            Self::BlockStderr(milliseconds) => write!(f, "standard error blocked for {milliseconds} ms"),
            Self::Fifo(milliseconds) => write!(f, "a FIFO as the config file for {milliseconds} ms"),
            Self::Freeze(milliseconds) => write!(f, "the credentials file's file system frozen for {milliseconds} ms"),
            Self::Begin(beginning) => write!(f, "the next new process: {beginning}"),
            Self::HangUps(milliseconds) => write!(f, "HUP again and again for {milliseconds} ms"),
            Self::Replace(Ending::Term) => f.write_str("the keeper ended and started again"),
            Self::Replace(Ending::Kill) => f.write_str("the keeper killed and started again"),
        }
    }
}

/// `SplitMix64`: good enough for choosing faults, with any seed.
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
