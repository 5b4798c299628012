//! Sockets that the command cannot get.

use super::page::{Page, ROLE, Scene, page, user_without_sts};
use std::fs::File;

fn listening(address: &'static str) -> Scene {
    Scene::new(user_without_sts().args(["-r", ROLE, "--listen", address, "--", "true"]))
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        page("listen-refused", || listening("192.0.2.1:8080")),
        page("listen-in-no-directory", || listening("unix:/no/such/directory/app.sock")),
        page("listen-address", || listening("localhost:8080")),
        page("listen-descriptor-in-use", || {
            let file = File::open("/dev/zero").expect("there is a /dev/zero");
            let xassume = user_without_sts().descriptor(3, file);
            Scene::new(xassume.args(["-r", ROLE, "--listen", "8080", "--", "true"]))
        }),
        page("ready-descriptor-in-use", || {
            let file = File::open("/dev/zero").expect("there is a /dev/zero");
            let xassume = user_without_sts().descriptor(5, file).args(["-r", ROLE, "--on-expiry", "restart"]);
            Scene::new(xassume.args(["--restart-order", "start-first", "--ready", "fd:5", "--", "true"]))
        }),
        page("usage-print-and-listen", || {
            Scene::new(user_without_sts().args(["-r", ROLE, "--print", "json", "--listen", "8080"]))
        }),
        page("usage-clear-cache-and-listen", || {
            Scene::new(user_without_sts().args(["--clear-cache", "--listen", "8080"]))
        }),
    ]
}
