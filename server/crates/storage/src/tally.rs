//! What a selection of jobs or messages comes to.

/// How many a replay takes up, and how many it leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Taken up.
    pub take: u64,
    /// Left out: jobs whose target later succeeded or waits anyway, messages whose body is no longer kept.
    pub skip: u64,
}
