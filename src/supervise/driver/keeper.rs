//! The loop without a command, for `--serve`.

use super::{CommandHost, Driver, FirstSessions, Ports};
use crate::event::{Problem, RunEvent};
use crate::supervise::machine::{Action, Final, Input, Machine};
use crate::supervise::policy::Policy;
use crate::supervise::ports::{Deliver, SessionSource};
use crate::sys::clock::Clock;

/// Delivers the first sessions and emits `serving`. Then refreshes the sessions until a signal ends xassume. Returns how
/// xassume must end.
///
/// # Errors
/// The first sessions cannot be delivered.
pub(crate) async fn keep<S, D, H, C>(
    policy: Policy,
    first: FirstSessions,
    ports: Ports<'_, S, D, H, C>,
    serving: RunEvent,
) -> Result<Final, Problem>
where
    S: SessionSource,
    D: Deliver,
    H: CommandHost,
    C: Clock,
{
    let now = ports.clock.now();
    let mut machine = Machine::keeper(policy, ports.host.facts(), first.default.validity.as_ref(), now, ports.dice);
    first.add_others(&mut machine, now, ports.dice);
    let mut later = Vec::new();
    if let Some(mut publishing) = ports.delivery.publish(&first.all(), &first.ids()) {
        // As soon as another program sees a file, it may send a signal to xassume.
        loop {
            tokio::select! {
                biased;
                input = ports.host.next_input() => {
                    let mut actions = machine.handle(Input::Command(input), ports.clock.now());
                    match actions.pop() {
                        Some(Action::Exit(end)) => return Ok(end),
                        last => later.extend(actions.into_iter().chain(last)),
                    }
                }
                published = &mut publishing => break published?,
            }
        }
    }
    let begin = [Action::Emit(serving.into())].into_iter().chain(machine.begin_keeping(now)).chain(later);
    let mut driver = Driver::new(machine, first, ports);
    for action in begin {
        driver.perform(action);
    }
    driver.after_input(now);
    Ok(driver.run().await)
}
