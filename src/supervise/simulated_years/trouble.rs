//! Random policies, and the troubles that come from outside.

use super::XASSUMES;
use super::life::{REFRESH, State};
use super::world::{Fault, World};
use crate::process::signal::Signal;
use crate::process::{Arrival, End, Sender};
use crate::supervise::policy::{DeliveryTime, Margin, OnExpiry, OnRefreshFailure, Policy, ReadySign, RestartOrder};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

impl World {
    /// Returns the settings of an xassume, and whether it runs without a command.
    pub(super) fn policy(&mut self) -> (Policy, bool) {
        use DeliveryTime::{AtStart, Live};
        let (on_expiry, delivery_time, is_keeper) = match self.roll(8) {
            0 => (OnExpiry::None, Live, true),
            1 => (OnExpiry::None, Live, false),
            2 | 3 => (OnExpiry::Signal(REFRESH), if self.roll(8) == 0 { AtStart } else { Live }, false),
            4 => (OnExpiry::Restart, Live, false),
            _ => (OnExpiry::Restart, AtStart, false),
        };
        let mut policy = Policy::usual(on_expiry, delivery_time);
        policy.stop_timeout = self.upto(Duration::from_secs(30));
        let margin = self.upto(HOUR);
        if self.roll(4) == 0 {
            policy.margin = Margin::Fixed(margin);
        }
        if self.roll(2) == 0 && !is_keeper {
            policy.on_refresh_failure = OnRefreshFailure::Stop;
        }
        let runs_for = Duration::from_secs(self.roll(30));
        let ready = if self.roll(2) == 0 { ReadySign::RunsFor(runs_for) } else { ReadySign::Newline(3) };
        if self.roll(3) == 0 && on_expiry == OnExpiry::Restart {
            (policy.restart_order, policy.ready) = (RestartOrder::StartFirst, Some(ready));
        }
        (policy, is_keeper)
    }

    /// Something begins that a trouble may interrupt. Sometimes, the next trouble follows soon.
    pub(super) fn attract_trouble(&mut self) {
        let soon = self.now.boot + self.upto(Duration::from_secs(5));
        if self.roll(32) == 0 {
            self.next_trouble = self.next_trouble.min(soon);
            self.wake_at(soon);
        }
    }

    /// If a trouble is due, lets it happen. Returns the xassume that is killed.
    pub(super) fn trouble(&mut self) -> Option<usize> {
        if self.now.boot < self.next_trouble {
            return None;
        }
        let pause = self.upto(4 * HOUR);
        let (kind, time, choice) = (self.roll(16), self.upto(HOUR), self.roll(32));
        let at = usize::try_from(self.roll(XASSUMES as u64)).unwrap_or_default();
        let mut killed = None;
        match kind {
            0 | 1 if self.fails(Fault::ClockSteps, 1) => {
                let is_back = choice % 2 == 0;
                self.now.wall = if is_back { self.now.wall - 2 * time } else { self.now.wall + 2 * time };
                self.sets += 1;
                self.log(format_args!("the clock is set {} by {time:?}", if is_back { "back" } else { "ahead" }));
            }
            2 if self.fails(Fault::Suspends, 1) => {
                self.pass(8 * time);
                self.jumped = self.now.boot;
                self.log(format_args!("suspended for {:?}", 8 * time));
            }
            3 if self.fails(Fault::Outages, 1) => {
                self.outage_until = self.now.boot + 2 * time;
                self.log(format_args!("STS fails for {:?}", 2 * time));
            }
            4 if self.fails(Fault::Kills, 1) => {
                self.log(format_args!("xassume {at} is killed"));
                killed = Some(at);
            }
            5 if self.fails(Fault::Exits, 1) => {
                let boot = self.now.boot;
                if let Some(child) = self.lives[at].children.iter_mut().find(|child| child.state == State::Runs) {
                    child.dies(boot, End::Exited(3));
                }
            }
            6..9 if self.fails(Fault::Signals, 1) => {
                use Signal as S;
                let signals = [S::TERM, S::INT, S::QUIT, S::HUP, S::HUP, S::HUP, S::USR2, S::WINCH];
                let signal = signals[usize::try_from(choice % 8).unwrap_or_default()];
                let by_process = Sender::Process { pid: 7, group: Some(7) };
                let sender = if choice < 8 { Sender::Kernel } else { by_process };
                self.log(format_args!("{signal} to xassume {at} by {sender:?}"));
                self.lives[at].signals.push_back(Arrival { signal, sender });
            }
            _ => {}
        }
        self.next_trouble = self.now.boot + pause;
        killed
    }
}
