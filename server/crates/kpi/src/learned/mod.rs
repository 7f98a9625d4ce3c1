//! What is usual on a lane: transit times, silence, lateness to be expected, and how well they held.
