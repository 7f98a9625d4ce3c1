//! Messages to customers by rule: one mail for each occurrence, to the address that the order's customer has. The address is opened
//! for the one call; what was sent is kept as its title and a digest. Who objected gets none.

use super::{
    turn::{Turn, turn},
    values::values,
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
    odoo::CUSTOMER,
    people::settings,
    words,
};
use ::odoo::Customer;
use channels::Letter;
use domain::{
    Direction,
    access::Permission,
    effects::{EffectBody, EffectOutcome},
    ids::{EffectId, ShipmentId},
    rule::{Action, RuleId},
    rules::{letter, text},
};
use jiff::Timestamp;
use outbound::{CallError, CallLog, Decision, ErrorClass, template::Family};
use serde::Serialize;
use serde_json::json;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane},
    people::SettingChange,
    shipments::{EffectRecord, Loaded},
};

/// Why a message is not sent, for people.
const NO_CHANNEL: &str = "no mail channel is connected";
const NO_CUSTOMER: &str = "the shipment does not go to a customer of an order";
const ERASED: &str = "the customer's data was erased";
const NO_ADDRESS: &str = "the customer has no e-mail address in Odoo";
pub(super) const OBJECTED: &str = "the customer objected to messages";
/// Ask whether a customer refuses mail (target: the shipment and the effect).
pub const ASK_CUSTOMER: JobKind = JobKind::new("ask_customer");
/// What stands between the shipment and the effect in the target of the job.
const BETWEEN: char = '/';

/// Why a message is not sent now.
#[derive(Debug)]
pub enum MessageError {
    /// The mail server refused it for now, or did not answer.
    Call(CallError),
    /// Our own doing.
    Ours(UseCaseError),
    /// The channel is not in use.
    NotInUse,
    /// Its rule is paused or keeps quiet hours until then.
    NotBefore(Timestamp),
}

impl From<storage::StoreError> for MessageError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

impl From<UseCaseError> for MessageError {
    fn from(error: UseCaseError) -> Self {
        Self::Ours(error)
    }
}

/// The job that sees to it that a message is sent: where the customer has a record in Odoo, the one that asks first whether it refuses
/// mail; what became of it already, where it is known that none can be sent.
///
/// # Errors
/// When the store fails.
pub(super) async fn begin(
    context: &Context,
    scope: Scope,
    (loaded, effect): (&Loaded, EffectId),
    channel: Option<&str>,
) -> Result<Option<EffectOutcome>> {
    let shipment = loaded.shipment.id;
    let origin = loaded.shipment.origin.as_ref().filter(|origin| origin.customer_record.is_some());
    let Some(origin) = origin.filter(|_| channel_of(context, channel).is_some()) else {
        return hand_over(context, scope, (shipment, effect), channel).await;
    };
    let target = format!("{shipment}{BETWEEN}{effect}");
    let job = context.job(ASK_CUSTOMER, target, Cause::Live, context.correlation(), Some(shipment));
    context.store.jobs.enqueue(scope, vec![job.to(&origin.system)]).await?;
    context.notifier.work(Lane::RealTime);
    Ok(None)
}

/// Hands a message over to the job that sends it; what became of it already, where it is known that none can be sent.
///
/// # Errors
/// When the store fails.
pub(super) async fn hand_over(
    context: &Context,
    scope: Scope,
    (shipment, effect): (ShipmentId, EffectId),
    channel: Option<&str>,
) -> Result<Option<EffectOutcome>> {
    let Some(channel) = channel_of(context, channel) else {
        return Ok(Some(EffectOutcome::not_possible(NO_CHANNEL)));
    };
    let target = format!("{shipment}{BETWEEN}{effect}");
    let job = context.job(JobKind::MESSAGE_CUSTOMER, target, Cause::Live, context.correlation(), Some(shipment));
    context.store.jobs.enqueue(scope, vec![job.to(&channel)]).await?;
    context.notifier.work(Lane::RealTime);
    Ok(None)
}

/// The mail channel that a rule names, in use or not; where it names none, the first one, those in use before the others.
pub(crate) fn channel_of(context: &Context, named: Option<&str>) -> Option<String> {
    let connections = context.connections.now();
    let is_mail = |connector: &str| channels::reaches_customers(connector);
    let in_use = connections.in_use(Family::Channel);
    let mut all = in_use.chain(connections.all()).filter(|one| is_mail(&one.record.connector));
    all.find(|one| named.is_none_or(|named| one.record.name == named)).map(|one| one.record.name.clone())
}

/// The shipment and the effect of a job's target.
pub(crate) fn target(text: &str) -> Option<(ShipmentId, EffectId)> {
    let (shipment, effect) = text.split_once(BETWEEN)?;
    Some((shipment.parse().ok()?, effect.parse().ok()?))
}

/// Sends a message, once: that it is being sent is kept before the call, so that after a crash it does not go out twice.
///
/// # Errors
/// See [`MessageError`]. What cannot be sent at all is no error: why is kept, and shown on the shipment.
pub async fn send(
    context: &Context,
    scope: Scope,
    (shipment, id): (ShipmentId, EffectId),
    channel: &str,
    calls: &dyn CallLog,
) -> std::result::Result<(), MessageError> {
    let Some(loaded) = context.store.shipments.load(scope, shipment, None).await? else { return Ok(()) };
    let Some(effect) = loaded.effects.iter().find(|effect| effect.id == id) else { return Ok(()) };
    let sending = Sending { context, scope, loaded: &loaded, effect };
    match effect.outcome {
        EffectOutcome::Pending => {}
        // the process ended while it was sent
        EffectOutcome::Started => {
            if !sending.is_noted().await? {
                sending.note(channel, None, Went::Uncertain).await?;
            }
            return sending.moved(EffectOutcome::Started, EffectOutcome::Uncertain).await.map(drop);
        }
        _ => return Ok(()),
    }
    let mail = context.connections.channel(channel).ok_or(MessageError::NotInUse)?;
    let (rule, written) = match sending.written().await? {
        Ok(written) => written,
        Err(instead) => return sending.moved(EffectOutcome::Pending, instead).await.map(drop),
    };
    let book = context.rules.book(&context.store, scope, context.now()).await?;
    match turn(&book, &rule, &effect.target, context.now()) {
        Turn::Now(_) => {}
        Turn::At(until) => return Err(MessageError::NotBefore(until)),
        Turn::Never(why) => {
            return sending.moved(EffectOutcome::Pending, EffectOutcome::not_possible(why)).await.map(drop);
        }
    }
    if !sending.moved(EffectOutcome::Pending, EffectOutcome::Started).await? {
        return Ok(());
    }
    // a line for each message, with what became of it, before that is kept: one that may have gone out is never without
    match mail.send_letter(&written, calls).await {
        Ok(()) => {
            sending.note(channel, Some(&written), Went::Sent).await?;
            let sent = EffectOutcome::sent(&written.subject);
            // a try that took this one for ended may have called it uncertain
            if !sending.moved(EffectOutcome::Started, sent.clone()).await? {
                sending.moved(EffectOutcome::Uncertain, sent).await?;
            }
            Ok(())
        }
        Err(error) if error.class == ErrorClass::UnknownOutcome => {
            sending.note(channel, Some(&written), Went::Uncertain).await?;
            sending.moved(EffectOutcome::Started, EffectOutcome::Uncertain).await.map(drop)
        }
        Err(error) if error.class.decision() == Decision::Fail => {
            sending.note(channel, Some(&written), Went::Refused).await?;
            let refused = EffectOutcome::not_possible(&error.message);
            sending.moved(EffectOutcome::Started, refused).await.map(drop)
        }
        Err(error) => {
            sending.moved(EffectOutcome::Started, EffectOutcome::Pending).await?;
            Err(MessageError::Call(error))
        }
    }
}

/// What became of a message that was given to the mail server.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Went {
    /// It is sent.
    Sent,
    /// It may be sent.
    Uncertain,
    /// The mail server refused it.
    Refused,
}

/// A message on its way.
struct Sending<'a> {
    context: &'a Context,
    scope: Scope,
    loaded: &'a Loaded,
    effect: &'a EffectRecord,
}

impl Sending<'_> {
    async fn moved(&self, from: EffectOutcome, to: EffectOutcome) -> std::result::Result<bool, MessageError> {
        let (context, shipments) = (self.context, &self.context.store.shipments);
        let moved = shipments.effect_moved(self.scope, self.effect.id, from, to, context.now()).await?;
        context.notifier.changed();
        Ok(moved)
    }

    /// The message as it goes out, with the rule that wants it; else what becomes of it instead.
    async fn written(&self) -> Result<std::result::Result<(RuleId, Letter), EffectOutcome>> {
        let internal = |what: String| UseCaseError::Internal(format!("effect {}: {what}", self.effect.id));
        let EffectBody::ByRule {
            rule,
            exception,
            action: Action::MessageCustomer { subject, text: said, translations, .. },
            ..
        } = self.body()?
        else {
            return Err(internal("it is no message".into()));
        };
        let exception = exception.and_then(|id| self.loaded.exceptions.iter().find(|one| one.id == id));
        if exception.is_some_and(|exception| exception.closed.is_some()) {
            return Ok(Err(EffectOutcome::NotNeeded));
        }
        let customer = match self.customer().await? {
            Ok(customer) => customer,
            Err(why) => return Ok(Err(EffectOutcome::not_possible(why))),
        };
        let letters = letter::letters(&subject, &said, translations.as_deref()).map_err(internal)?;
        let Some(chosen) = letter::in_language(&letters, customer.language.as_deref()) else {
            return Err(internal("it has no text".into()));
        };
        let values = values(self.context, self.loaded, exception);
        let letter = Letter {
            id: self.effect.id.to_string(),
            to: customer.email.unwrap_or_default(),
            subject: words::foreign(&text::fill(&chosen.subject, &values)),
            text: text::fill(&chosen.text, &values),
            language: chosen.language.clone(),
            at: self.context.now(),
        };
        Ok(Ok((rule, letter)))
    }

    /// The customer, opened for the one call; else why there is none to write to.
    async fn customer(&self) -> Result<std::result::Result<Customer, &'static str>> {
        let (context, shipment) = (self.context, &self.loaded.shipment);
        let goes_out = shipment
            .origin
            .as_ref()
            .is_some_and(|origin| matches!(origin.transfer.direction, Direction::Outbound | Direction::Dropship));
        if !goes_out {
            return Ok(Err(NO_CUSTOMER));
        }
        let kept = context.store.shipments.customer(self.scope, shipment.id).await?;
        // every order has a customer, until it is erased
        let Some((sealed, Some(key))) = kept else { return Ok(Err(ERASED)) };
        let internal = |what: String| UseCaseError::Internal(format!("the customer cannot be opened: {what}"));
        let key = context.vault.unwrap(&key).map_err(|e| internal(e.to_string()))?;
        let plain = key.open(CUSTOMER, &sealed).map_err(|e| internal(e.to_string()))?;
        let customer: Customer = serde_json::from_slice(&plain).map_err(|e| internal(e.to_string()))?;
        let Some(address) = customer.email.as_deref().filter(|address| !address.trim().is_empty()) else {
            return Ok(Err(NO_ADDRESS));
        };
        if customer.refuses_mail || has_objected(context, self.scope, address).await? {
            return Ok(Err(OBJECTED));
        }
        Ok(Ok(customer))
    }

    fn body(&self) -> Result<EffectBody> {
        let internal = |what| UseCaseError::Internal(format!("effect {}: {what}", self.effect.id));
        serde_json::from_str(&self.effect.body).map_err(internal)
    }

    /// What the message is called in the audit trail.
    fn subject(&self) -> String {
        format!("message:{}", self.effect.id)
    }

    /// Whether the audit trail has it already.
    async fn is_noted(&self) -> Result<bool> {
        let lines = self.context.store.people.audit_trail(self.scope, Some(self.subject()), 1).await?;
        Ok(!lines.is_empty())
    }

    /// The line in the audit trail: which rule sent what over which channel, the text as a digest, and what became of it. Of one
    /// whose process ended the text is not known.
    async fn note(&self, channel: &str, letter: Option<&Letter>, went: Went) -> std::result::Result<(), MessageError> {
        let (context, scope) = (self.context, self.scope);
        let digest = letter.map(|letter| {
            let whole = format!("{}\n{}", letter.subject, letter.text);
            context.vault.digest(whole.as_bytes()).iter().map(|b| format!("{b:02x}")).collect::<String>()
        });
        let (shipment, body) = (self.loaded.shipment.id.to_string(), self.body()?);
        let after = json!({
            "rule": body.rule(), "channel": channel, "shipment": shipment, "digest": digest, "went": went,
        });
        let audit = context.audit("customer.message", self.subject());
        let audit = audit.after(sealed_audit(context, scope, &after).await?);
        Ok(context.store.people.audit(scope, audit).await?)
    }
}

/// Whether a person noted that the customer with this address wants no messages.
async fn has_objected(context: &Context, scope: Scope, address: &str) -> Result<bool> {
    let kept = context.store.people.setting(scope, &setting_of(context, address)).await?;
    Ok(kept.as_deref() == Some(NO_MESSAGES))
}

/// The setting that holds whether a customer wants messages. Its name is keyed: the address is kept nowhere.
fn setting_of(context: &Context, address: &str) -> String {
    format!("customer.messages.{}", context.vault.token("customer", address))
}

const NO_MESSAGES: &str = "none";
const MESSAGES: &str = "as rules say";

/// Whether a customer gets messages by rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// As the rules say.
    AsRulesSay,
    /// None: the customer objected.
    None,
}

/// A person notes whether the customer with this address gets messages by rule. The address itself is kept nowhere.
///
/// # Errors
/// When the caller may not, it is no address, or the store fails.
pub async fn set_wish(context: &Context, caller: &Caller, address: &str, wish: Wish) -> Result<()> {
    caller.require(Permission::Operate)?;
    if !address.contains('@') {
        let message = "give the customer's e-mail address".into();
        return Err(UseCaseError::Invalid { field: "address", message });
    }
    let name = setting_of(context, address);
    let from = context.store.people.setting(caller.scope(), &name).await?;
    let to = match wish {
        Wish::AsRulesSay => MESSAGES,
        Wish::None => NO_MESSAGES,
    };
    let change = SettingChange { name: name.into(), from, to: to.into() };
    settings::change(context, caller.scope(), change, ("customer.messages", "customers".into())).await
}
