//! Second step (R11): several sources, one physical event. Candidates agree on milestone, piece, place and local time or
//! instant; the connected components of that relation are one event each, and the lowest id represents it.

use super::standing::Examined;
use crate::Milestone;
use jiff::{Timestamp, civil::DateTime};
use std::collections::HashMap;

/// For each examined fact the index of the one that represents it (itself, where it stands alone).
pub(super) fn representatives(facts: &[Examined<'_>]) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..facts.len()).collect();
    let sources: std::collections::HashSet<_> = facts.iter().map(|f| f.fact.source).collect();
    if sources.len() < 2 {
        return parent;
    }
    let mut by_local: HashMap<(Milestone, Option<&str>, String, DateTime), usize> = HashMap::new();
    let mut by_instant: HashMap<(Milestone, Option<&str>, String, Timestamp), usize> = HashMap::new();
    for (index, examined) in facts.iter().enumerate() {
        if !examined.counts() || !examined.is_actual() || !examined.fact.reading.milestone.is_physical() {
            continue;
        }
        let (milestone, piece, city) = (examined.fact.reading.milestone, piece_of(examined), city_of(examined));
        let time = &examined.fact.observation.time;
        if let Some(local) = time.local {
            join(&mut parent, facts, *by_local.entry((milestone, piece, city.clone(), local)).or_insert(index), index);
        }
        if let Some(utc) = time.utc {
            join(&mut parent, facts, *by_instant.entry((milestone, piece, city, utc)).or_insert(index), index);
        }
    }
    (0..facts.len()).map(|index| root(&mut parent, index)).collect()
}

/// The piece that a fact is about: what the message says, else what the binding says.
pub(super) fn piece_of<'a>(examined: &Examined<'a>) -> Option<&'a str> {
    examined.fact.piece.as_deref().or(examined.fact.observation.piece.as_deref())
}

fn city_of(examined: &Examined<'_>) -> String {
    let city = examined.fact.observation.location.as_ref().and_then(|l| l.city.as_deref()).unwrap_or_default();
    city.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).map(without_accent).collect()
}

/// The letters of European place names without their marks, so that `Köln` and `KOLN` agree.
fn without_accent(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'é' | 'è' | 'ê' | 'ë' | 'ę' | 'ě' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ő' => 'o',
        'ú' | 'ù' | 'û' | 'ü' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ł' => 'l',
        'ś' | 'š' => 's',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

/// Facts of one source are never merged with each other alone: it said them apart. They meet through a second source.
fn join(parent: &mut [usize], facts: &[Examined<'_>], a: usize, b: usize) {
    if facts[a].fact.source == facts[b].fact.source {
        return;
    }
    let (a, b) = (root(parent, a), root(parent, b));
    let lower = |x: usize, y: usize| facts[x].fact.id < facts[y].fact.id;
    if a != b {
        let (keep, give) = if lower(a, b) { (a, b) } else { (b, a) };
        parent[give] = keep;
    }
}

fn root(parent: &mut [usize], mut index: usize) -> usize {
    while parent[index] != index {
        parent[index] = parent[parent[index]];
        index = parent[index];
    }
    index
}
