//! Electronic data interchange: tolerant readers that the EDI connectors share. What is wrong with an envelope is a
//! problem to be shown, never a reason to lose the statuses in it.

pub(super) mod x12;
