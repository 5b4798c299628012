//! `--serve`: keeps a session fresh for programs that xassume has not started, until a signal ends xassume. In the code,
//! an xassume that does this is a keeper.
//!
//! The rules are those of supervised mode, without a command.

use super::first_sessions::{check_all_unattended, first_sessions};
use super::supervise::{Refreshes, hook, host, opened, until_signal};
use crate::deliver::published::unwritten;
use crate::error::Error;
use crate::event::RunEvent;
use crate::launch::Launch;
use crate::launch::delivery::Delivery;
use crate::process::End;
use crate::report::Report;
use crate::settings::Settings;
use crate::supervise::driver::{Notifier, PidFile, Ports, dice, keep};
use crate::supervise::machine::Final;
use crate::supervise::policy::{GroupPolicy, Policy};
use crate::supervise::ports::SignalNamed;
use crate::sys::clock::SystemClock;
use crate::sys::listen::ListenSockets;
use crate::sys::memory;
use crate::sys::notify::ManagerSocket;
use crate::sys::offload::Offload;
use crate::vars::Vars;

/// Serves sessions until a signal ends xassume.
///
/// # Errors
/// The address or a file cannot be used, or no first session is available.
pub(crate) fn run(settings: &Settings, policy: Policy, vars: &Vars, report: Report) -> Result<End, Error> {
    memory::zero_freed_memory();
    let launch = Launch::prepare(settings, vars, report)?;
    check_all_unattended(&launch, policy)?;
    let (runtime, offload, named, mut delivery) = opened(&launch)?;
    let end = runtime.block_on(async {
        let end = served(&launch, &offload, policy, (&mut delivery, &named)).await;
        drop(named);
        delivery.remove().await;
        end
    });
    drop(offload);
    runtime.shutdown_background();
    match end? {
        Final::Ended(end) => Ok(end),
        // These do not happen: no command is started, and xassume keeps running when the session expires.
        Final::NotStarted { .. } | Final::Lapsed => Err(Error::Lapsed),
    }
}

async fn served(
    launch: &Launch<'_>,
    offload: &Offload,
    policy: Policy,
    (delivery, named): (&mut Delivery<'_, '_>, &Option<PidFile>),
) -> Result<Final, Error> {
    // Without a command, there are no sockets for it, and no process group of its own.
    let sockets = ListenSockets::default();
    let mut host = host(None, &sockets, GroupPolicy::Same)?;
    let first = match until_signal(&host, first_sessions(launch, policy)).await? {
        Ok(first) => first,
        Err(signal) => return Ok(Final::Ended(End::Killed(signal))),
    };
    let (clock, report) = (SystemClock::new(), launch.context.report);
    delivery.set_instance_regions(&first.all())?;
    let serving = RunEvent::Serving { at: delivery.shown() };
    let manager = launch.context.vars.get("NOTIFY_SOCKET").and_then(ManagerSocket::at);
    let notifier = manager.map(|manager| Notifier::new(Some(manager), None, None, policy));
    let source = Refreshes { launch, offload };
    let hook = hook(launch, &report);
    let named = named.as_ref().map(|named| named as &dyn SignalNamed);
    let (host, clock) = (&mut host, &clock);
    let ports = Ports { source: &source, delivery, host, clock, dice: dice(), named, notifier, hook, events: &report };
    keep(policy, first, ports, serving).await.map_err(|problem| unwritten(problem.text))
}
