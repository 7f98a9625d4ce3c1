//! Deliveries come in.

pub(super) use super::transfers::PICKING;
use super::{
    OdooClient,
    delivery::{Around, Delivery, delivery, whom},
    records::{Read, Tags, linked, listed, name_of, written},
    transfers::{ORDER, ORDER_FIELDS, PARTNER, PARTNER_FIELDS, PURCHASE, PURCHASE_FIELDS, Related, Shape, Since, TAG},
};
use jiff::Timestamp;
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Deliveries of one page at most.
pub const PAGE_MAX: u32 = 500;
/// Calls of one page at most that go into reading records one by one after a list was refused.
pub(super) const SINGLE_READS_MAX: usize = 200;
/// Deliveries of a page that is read one by one: more of them would wait for their turn.
const SINGLE_PAGE: u32 = 100;
/// Records that are refused one by one while none is given; then a few more may stand for all that are left.
const REFUSALS_MAX: usize = 8;
/// So many: what is left is split into so many groups, and one of each is asked for.
const SAMPLES_MAX: usize = 8;
/// The problem of a delivery that was not read yet, because others took all the calls.
pub const WAITS: &str = "not read yet: too many records could not be read at once; it is tried again by itself";
/// How the problem of a record begins that the integration user may not read.
pub const NO_ACCESS: &str = "AccessError";
/// How the problem of a record begins that Odoo refuses for another reason, which it says in its answer alone.
pub const REFUSES: &str = "Odoo refuses to read it";
/// A delivery of which nothing can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id; 0 where not even that can be read.
    pub id: i64,
    /// Its name, where that can be read.
    pub name: Option<String>,
    /// What is wrong, for people.
    pub problem: String,
    /// Nothing is known to be wrong: it, its order or its customer was not read yet.
    pub waits: bool,
}

/// Some deliveries as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryPage {
    /// Those that can be taken in, by id.
    pub deliveries: Vec<Delivery>,
    /// Those that cannot.
    pub unreadable: Vec<Unreadable>,
    /// The highest id among them.
    pub last: Option<i64>,
    /// When they, their orders and their customers were last written.
    pub written: Vec<Timestamp>,
    /// There may be more behind them.
    pub more: bool,
}

impl OdooClient {
    /// A page of deliveries, receipts, dropships and returns that were last written since then (all of them without it), with
    /// ids above `after_id`, by id. A change of the order, the customer, the vendor or a package counts as one of the
    /// delivery, which Odoo does not write then, unless it left long ago.
    ///
    /// This is the paging that loses nothing: `write_date` has whole seconds here, many rows share one, and it is the
    /// *start* of the writing transaction. So ask with an overlap, page by id until a page is not full, and only then
    /// move the watermark on. One's own writes come back too: compare contents. They need less of an overlap than those of
    /// others, since they are short; and what another wrote before is never hidden behind one, for it was there to be seen
    /// when that began.
    ///
    /// Cancelled deliveries, also of cancelled orders, are among them, since somebody has to hear of it; drafts are not.
    /// A record that cannot be read holds up no other one.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn changed_deliveries(
        &self,
        since: Option<Since>,
        after_id: i64,
        limit: u32,
        log: &dyn CallLog,
    ) -> Result<DeliveryPage, CallError> {
        let limit = limit.clamp(1, PAGE_MAX);
        if after_id == 0 {
            self.known_shape.begin();
        }
        let shape = self.shape(log).await?;
        let page = self.changed_page(&shape, since, (after_id, limit), log).await;
        page.inspect_err(|error| self.known_shape.doubt(error))
    }

    async fn changed_page(
        &self,
        shape: &Shape,
        since: Option<Since>,
        (after_id, limit): (i64, u32),
        log: &dyn CallLog,
    ) -> Result<DeliveryPage, CallError> {
        let Some(since) = since else { return self.page_of(shape, shape.wanted(after_id), limit, log).await };
        let user = self.user(log).await?;
        let with = |related| [Shape::of_any_order(after_id), shape.changed(since, user, related)].concat();
        match self.page_of(shape, with(Related::Followed), limit, log).await {
            // a user who may see no orders or contacts at all cannot ask for their changes
            Err(error) if error.class == ErrorClass::Forbidden => {
                self.page_of(shape, with(Related::Left), limit, log).await
            }
            other => other,
        }
    }

    /// The ids of deliveries above `after_id`, by id, whenever they were written; none where it cannot be read.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn delivery_ids(
        &self,
        after_id: i64,
        limit: u32,
        log: &dyn CallLog,
    ) -> Result<Vec<Option<i64>>, CallError> {
        let shape = self.shape(log).await?;
        self.ids(json!({"domain": shape.wanted(after_id), "order": "id", "limit": limit}), log).await
    }

    /// Which of these are deliveries that are to be taken in, whenever they were written.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn wanted_among(&self, ids: &[i64], log: &dyn CallLog) -> Result<Vec<i64>, CallError> {
        let domain = [self.shape(log).await?.wanted(0), vec![json!(["id", "in", ids])]].concat();
        Ok(self.ids(json!({"domain": domain, "order": "id"}), log).await?.into_iter().flatten().collect())
    }

    /// The ids that a search for deliveries gives; none for what is no id.
    async fn ids(&self, body: Value, log: &dyn CallLog) -> Result<Vec<Option<i64>>, CallError> {
        let found: Vec<Value> = self.ask_explained(PICKING, "search", body, log).await?;
        Ok(found.iter().map(Value::as_i64).collect())
    }

    /// These deliveries again, as they are now; those that are gone are left out.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn deliveries(&self, ids: &[i64], log: &dyn CallLog) -> Result<DeliveryPage, CallError> {
        let mut reads = SINGLE_READS_MAX;
        let ids = ids.iter().copied().collect();
        let shape = self.shape(log).await?;
        let read = self.read_each(PICKING, ids, &shape.fields(), Refusals::Single, &mut reads, log).await?;
        self.with_related(&shape, read, reads, log).await
    }

    /// One delivery again; none where it is gone.
    ///
    /// # Errors
    /// When Odoo does not answer as it should, or the delivery cannot be read.
    pub async fn delivery(&self, id: i64, log: &dyn CallLog) -> Result<Option<Delivery>, CallError> {
        let mut page = self.deliveries(&[id], log).await?;
        match page.unreadable.pop() {
            Some(unreadable) => Err(CallError::new(ErrorClass::Rejected, unreadable.problem)),
            None => Ok(page.deliveries.pop()),
        }
    }

    /// Which of these deliveries were deleted. One that may only not be seen is not among them.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn deleted(&self, ids: &[i64], log: &dyn CallLog) -> Result<Vec<i64>, CallError> {
        let body = json!({"domain": [["id", "in", ids]], "context": {"active_test": false}});
        let seen: BTreeSet<i64> = self.ids(body, log).await?.into_iter().flatten().collect();
        let unseen: BTreeSet<i64> = ids.iter().copied().filter(|id| !seen.contains(id)).collect();
        let mut reads = SINGLE_READS_MAX;
        // each by itself: one that was taken for hidden without being asked for would stay for ever
        let read = self.read_each(PICKING, unseen.clone(), &["name"], Refusals::Single, &mut reads, log).await?;
        if !read.nameless.is_empty() {
            return Ok(Vec::new()); // which of them that is cannot be said
        }
        // what is gone is read as nothing; what is hidden is refused
        let there = |id: &i64| read.rows.contains_key(id) || read.refused.contains_key(id) || read.waiting.contains(id);
        Ok(unseen.into_iter().filter(|id| !there(id)).collect())
    }

    async fn page_of(
        &self,
        shape: &Shape,
        domain: Vec<Value>,
        limit: u32,
        log: &dyn CallLog,
    ) -> Result<DeliveryPage, CallError> {
        let mut reads = SINGLE_READS_MAX;
        let fields = shape.fields();
        let body = json!({"domain": domain, "fields": fields, "order": "id", "limit": limit});
        let found = self.ask::<Vec<Value>>(PICKING, "search_read", body, log).await;
        let (read, count, limit) = match found {
            Ok(rows) => {
                let mut read = Read::default();
                read.add(&rows);
                (read, rows.len(), limit)
            }
            Err(error) if is_about_records(&error) => {
                let limit = limit.min(SINGLE_PAGE);
                let body = json!({"domain": domain, "order": "id", "limit": limit});
                // when not even this is answered, it is not about one record
                let of_all =
                    |refused: CallError| if refused.class == ErrorClass::MissingRight { refused } else { error };
                let ids = self.ids(body, log).await.map_err(of_all)?;
                let known: BTreeSet<i64> = ids.iter().copied().flatten().collect();
                let mut read = self.read_each(PICKING, known, &fields, Refusals::Single, &mut reads, log).await?;
                read.nameless.extend(ids.iter().filter(|id| id.is_none()).map(|_| None));
                (read, ids.len(), limit)
            }
            Err(error) => return Err(error),
        };
        let page = self.with_related(shape, read, reads, log).await?;
        Ok(DeliveryPage { more: count >= limit as usize && page.last.is_some(), ..page })
    }

    /// The orders, customers and packages of deliveries are read with them.
    async fn with_related(
        &self,
        shape: &Shape,
        read: Read,
        mut reads: usize,
        log: &dyn CallLog,
    ) -> Result<DeliveryPage, CallError> {
        let ids = |field| read.rows.values().filter_map(|row| linked(row, field)).collect::<BTreeSet<i64>>();
        let sampled = Refusals::Sampled;
        let orders = self.read_each(ORDER, ids("sale_id"), ORDER_FIELDS, sampled, &mut reads, log).await?;
        let purchases = self.read_each(PURCHASE, ids("purchase_id"), PURCHASE_FIELDS, sampled, &mut reads, log).await?;
        let transfers: Vec<i64> = read.rows.keys().copied().collect();
        let packed = self.packed(shape, &transfers, &mut reads, log).await?;
        let partners = read.rows.values().filter_map(|row| whom(row, &orders)).collect();
        let partners = self.read_each(PARTNER, partners, PARTNER_FIELDS, sampled, &mut reads, log).await?;
        let tags = self.tags(&partners, &mut reads, log).await?;
        Ok(page(shape, read, &Around { orders, purchases, partners, packed, tags }))
    }

    /// The tags of these customers. People tag the company, and goods go to one of its addresses: both count. What may not be
    /// read is left out.
    async fn tags(&self, partners: &Read, reads: &mut usize, log: &dyn CallLog) -> Result<Tags, CallError> {
        let company = |row| linked(row, "commercial_partner_id");
        let others: BTreeSet<i64> =
            partners.rows.values().filter_map(company).filter(|id| !partners.rows.contains_key(id)).collect();
        let sampled = Refusals::Sampled;
        let companies = self.read_each(PARTNER, others, &["category_id"], sampled, reads, log).await?;
        let row_of = |id: i64| partners.rows.get(&id).or_else(|| companies.rows.get(&id));
        let ids = partners.rows.values().chain(companies.rows.values()).flat_map(|row| listed(row, "category_id"));
        let names = self.read_each(TAG, ids.collect(), &["name"], sampled, reads, log).await?;
        let tags = partners.rows.iter().map(|(id, row)| {
            let of = [Some(row), company(row).and_then(row_of)].into_iter().flatten();
            let tags = of.flat_map(|row| listed(row, "category_id"));
            (*id, tags.filter_map(|tag| name_of(names.rows.get(&tag)?)).collect())
        });
        Ok(Tags(tags.collect()))
    }

    /// Reads records at once; where that is refused, in ever smaller groups, so that only what is odd is left out. Not
    /// `web_search_read`, which nests: that one is the web client's own and may change.
    pub(super) async fn read_each(
        &self,
        model: &str,
        ids: BTreeSet<i64>,
        fields: &[&str],
        refusals: Refusals,
        reads: &mut usize,
        log: &dyn CallLog,
    ) -> Result<Read, CallError> {
        let mut read = Read::default();
        let mut waiting = vec![ids.into_iter().collect::<Vec<i64>>()];
        let (mut first_refusal, mut answered) = (None, false);
        let mut samples = 0;
        while let Some(group) = waiting.pop() {
            if group.is_empty() {
                continue;
            }
            if *reads == 0 {
                read.waiting.extend(group);
                continue;
            }
            *reads -= 1;
            match self.ask::<Vec<Value>>(model, "read", json!({"ids": group, "fields": fields}), log).await {
                Ok(rows) => {
                    answered = true;
                    read.add(&rows);
                }
                Err(error) if is_about_records(&error) && group.len() > 1 => {
                    let (first, second) = group.split_at(group.len() / 2);
                    waiting.extend([second.to_vec(), first.to_vec()]);
                    first_refusal.get_or_insert(error);
                }
                Err(error) if is_about_records(&error) => {
                    let text = match error.class {
                        // Odoo's own words for it are long, and for its users
                        ErrorClass::Forbidden => format!("{NO_ACCESS}: the integration user may not read it"),
                        // and may name people
                        class => format!("{REFUSES} ({})", class.code()),
                    };
                    read.refused.insert(group[0], text.clone());
                    first_refusal.get_or_insert(error);
                    let none_given = refusals == Refusals::Sampled && !answered;
                    if none_given && read.refused.len() == REFUSALS_MAX {
                        (waiting, samples) = with_samples(waiting.drain(..).flatten().collect());
                    } else if none_given && read.refused.len() == REFUSALS_MAX + samples {
                        read.refused.extend(waiting.drain(..).flatten().map(|id| (id, text.clone())));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        match first_refusal {
            // an answer that is none, whatever is asked: a maintenance page, not a record
            Some(error) if error.class == ErrorClass::BadAnswer && read.rows.is_empty() => Err(error),
            _ => Ok(read),
        }
    }
}

/// A page of what was read.
fn page(shape: &Shape, read: Read, around: &Around) -> DeliveryPage {
    let ids = read.rows.keys().chain(read.refused.keys()).chain(&read.waiting).copied();
    let mut page = DeliveryPage { last: ids.max(), ..DeliveryPage::default() };
    let odd = |id, name, problem: String| Unreadable { id, name, problem, waits: false };
    page.unreadable.extend(read.refused.into_iter().map(|(id, problem)| odd(id, None, problem)));
    let waits = |id, name| Unreadable { id, name, problem: WAITS.into(), waits: true };
    page.unreadable.extend(read.waiting.iter().map(|id| waits(*id, None)));
    let nameless = read.nameless.into_iter();
    page.unreadable.extend(nameless.map(|name| odd(0, name, "id: it cannot be read".into())));
    for (id, row) in &read.rows {
        page.written.extend(written(row).into_iter().chain(around.of(row).into_iter().filter_map(written)));
        if around.waits(row) {
            page.unreadable.push(waits(*id, name_of(row)));
            continue;
        }
        match delivery(*id, row, around) {
            Ok(delivery) => page.deliveries.push(Delivery { wanted: shape.wants(row), ..delivery }),
            Err(problem) => page.unreadable.push(odd(*id, name_of(row), problem)),
        }
    }
    page
}

/// How records are separated once they were refused together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusals {
    /// Each by itself, as far as the calls go: none is left out because of others.
    Single,
    /// Where none is given, a few stand for those that are left: all may be hidden, and nothing is lost without them.
    Sampled,
}

/// Groups to be asked for, the last one first: one record of each part of those that are left, then the others; and how
/// many such samples these are.
fn with_samples(mut left: Vec<i64>) -> (Vec<Vec<i64>>, usize) {
    left.sort_unstable();
    let size = left.len().div_ceil(SAMPLES_MAX).max(1);
    let (mut groups, mut samples) = (Vec::new(), Vec::new());
    for part in left.chunks(size).rev() {
        let mut group = part.to_vec();
        // the highest of all is the newest, and as likely as any to be given
        let at = if groups.is_empty() { group.len() - 1 } else { group.len() / 2 };
        samples.push(vec![group.remove(at)]);
        groups.push(group);
    }
    let count = samples.len();
    groups.extend(samples);
    (groups, count)
}

/// A failure that one record among many may be the cause of.
pub(super) fn is_about_records(error: &CallError) -> bool {
    use ErrorClass::{BadAnswer, Forbidden, NotFound, Rejected};
    matches!(error.class, Forbidden | NotFound | Rejected) || (error.class == BadAnswer && error.status == Some(200))
}
