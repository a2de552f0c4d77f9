//! The order of servers: by priority, and by chance according to their weights (RFC 2782).

use tipring_core::Rng;

use super::Srv;

/// Puts `records` in the order in which their servers are tried.
///
/// Within a priority, servers of weight 0 stand in front, equal ones in any order; a number from 0 to the sum of weights
/// is drawn, and the first server whose running sum reaches it comes next; so until none is left.
pub(super) fn order(records: Vec<Srv>, rng: &mut Rng) -> Vec<Srv> {
    let mut waiting = records;
    waiting.sort_by_cached_key(|srv| (srv.priority, srv.weight != 0, rng.next_u64()));
    let mut ordered = Vec::with_capacity(waiting.len());
    while let Some(first) = waiting.first() {
        let priority = first.priority;
        let group = waiting.iter().take_while(|srv| srv.priority == priority);
        let sum: u64 = group.map(|srv| u64::from(srv.weight)).sum();
        let drawn = rng.below(sum + 1);
        let mut running = 0;
        let reaches = |srv: &Srv| {
            running += u64::from(srv.weight);
            running >= drawn
        };
        let at = waiting.iter().position(reaches).unwrap_or(0);
        ordered.push(waiting.remove(at));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::DomainName;

    fn srv(priority: u16, weight: u16, name: &str) -> Srv {
        Srv { priority, weight, port: 5060, target: DomainName::new(name) }
    }

    fn first(records: &[Srv], seed: u64) -> String {
        let ordered = order(records.to_vec(), &mut Rng::new(seed));
        ordered[0].target.as_ref().expect("a host").to_string()
    }

    #[test]
    fn a_lower_priority_always_comes_first() {
        let records = [srv(20, 65535, "c"), srv(10, 0, "b"), srv(5, 1, "a"), srv(20, 0, "d")];
        for seed in 0..200 {
            let order: Vec<u16> = order(records.to_vec(), &mut Rng::new(seed))
                .iter()
                .map(|srv| srv.priority)
                .collect();
            assert_eq!(order, [5, 10, 20, 20]);
        }
    }

    /// RFC 2782's own example: "foobar" on old-slow-box (weight 1) and new-fast-box (weight 3), priority 0; two
    /// other boxes at priority 1 stand in when both are gone.
    #[test]
    fn most_requests_go_to_the_new_fast_box() {
        let records = [
            srv(0, 1, "old-slow-box.example.com"),
            srv(0, 3, "new-fast-box.example.com"),
            srv(1, 0, "sysadmins-box.example.com"),
            srv(1, 0, "server.example.com"),
        ];
        // Of the five numbers 0 to 4, the old box has 0 and 1, or 4 alone, as it stands in front or behind: RFC 2782
        // lets both happen.
        let fast = (0..4000).filter(|seed| first(&records, *seed) == "new-fast-box.example.com");
        let share = f64::from(u16::try_from(fast.count()).expect("4000 at most")) / 4000.0;
        assert!((share - 0.7).abs() < 0.03, "{share}");
    }

    #[test]
    fn large_weights_share_as_they_say() {
        let records = [srv(0, 600, "a"), srv(0, 300, "b"), srv(0, 100, "c")];
        let mut count = std::collections::BTreeMap::new();
        for seed in 0..10_000 {
            *count.entry(first(&records, seed)).or_insert(0u32) += 1;
        }
        for (name, share) in [("a", 0.6), ("b", 0.3), ("c", 0.1)] {
            let found = f64::from(count[name]) / 10_000.0;
            assert!((found - share).abs() < 0.02, "{name} {found}");
        }
    }

    #[test]
    fn a_weight_of_nothing_is_hardly_ever_first_and_equal_ones_take_turns() {
        let records = [srv(0, 0, "none"), srv(0, 100, "all")];
        let none = (0..2000).filter(|seed| first(&records, *seed) == "none").count();
        assert!((1..60).contains(&none), "{none}");
        let equal = [srv(0, 0, "a"), srv(0, 0, "b")];
        let a = (0..2000).filter(|seed| first(&equal, *seed) == "a").count();
        assert!((900..1100).contains(&a), "{a}");
    }
}
