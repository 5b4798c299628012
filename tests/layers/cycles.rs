//! Cycles in a graph of imports.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// For each node the nodes that it imports from, with the first place that does.
pub(crate) type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// The shortest cycle through each edge, the shortest ones first; each is a list of the places of its imports.
pub(crate) fn cycles(graph: &Graph) -> Vec<Vec<&str>> {
    let mut found = BTreeSet::new();
    for (from, edges) in graph {
        for to in edges.keys() {
            if let Some(mut cycle) = path(graph, to, from) {
                let first = cycle.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(at, _)| at);
                cycle.rotate_left(first);
                found.insert((cycle.len(), cycle));
            }
        }
    }
    let places = |cycle: Vec<&str>| -> Vec<&str> {
        let next = cycle.iter().cycle().skip(1);
        cycle.iter().zip(next).map(|(from, to)| graph[*from][*to].as_str()).collect()
    };
    found.into_iter().map(|(_, cycle)| places(cycle)).collect()
}

/// The nodes on the shortest path between two nodes.
fn path<'a>(graph: &'a Graph, from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    let mut before = BTreeMap::from([(from, from)]);
    let mut waiting = VecDeque::from([from]);
    while let Some(node) = waiting.pop_front() {
        if node == to {
            let mut path = vec![node];
            while path[0] != from {
                path.insert(0, before[path[0]]);
            }
            return Some(path);
        }
        for next in graph.get(node).into_iter().flat_map(BTreeMap::keys) {
            if !before.contains_key(next.as_str()) {
                before.insert(next, node);
                waiting.push_back(next);
            }
        }
    }
    None
}
