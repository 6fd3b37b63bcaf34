//! What customers ask about, and what is said then.

/// A reason to write.
#[derive(Debug)]
pub(super) struct Topic {
    /// How often, beside the others.
    pub(super) weight: f64,
    /// Whose it is: a place in [`TEAMS`].
    pub(super) team: usize,
    /// The routing bot's word.
    pub(super) keyword: &'static str,
    /// The tag agents give it.
    pub(super) tag: &'static str,
    /// Subjects of e-mails.
    pub(super) subjects: [&'static str; 3],
    /// What the customer writes first.
    pub(super) asks: [&'static str; 3],
}

pub(super) const TEAMS: [&str; 4] = ["Support", "Billing", "Shipping", "Sales"];

pub(super) const TOPICS: [Topic; 10] = [
    Topic {
        weight: 16.0,
        team: 2,
        keyword: "delivery",
        tag: "late-delivery",
        subjects: ["Where is my parcel? 📦", "Re: order not delivered", "Lieferung verspätet"],
        asks: [
            "Hi, my parcel was due yesterday, where is it?",
            "注文した商品がまだ届きません。",
            "¿Dónde está mi pedido?",
        ],
    },
    Topic {
        weight: 10.0,
        team: 2,
        keyword: "return",
        tag: "return",
        subjects: ["Return of one item", "Retour commande", "Wrong size 😕"],
        asks: ["I'd like to send one item back.", "Je voudrais renvoyer un article.", "أريد إرجاع المنتج من فضلكم"],
    },
    Topic {
        weight: 13.0,
        team: 1,
        keyword: "invoice",
        tag: "invoice",
        subjects: ["Invoice for October", "Rechnung fehlt", "Need a corrected invoice"],
        asks: ["Could you send me the invoice again?", "Ich brauche die Rechnung mit USt-IdNr.", "請寄發票給我，謝謝"],
    },
    Topic {
        weight: 9.0,
        team: 1,
        keyword: "payment",
        tag: "payment-failed",
        subjects: ["Charged twice!!", "Payment declined", "Pagamento recusado"],
        asks: [
            "My card was charged twice.",
            "Meu pagamento foi recusado, podem ajudar?",
            "Оплата не проходит, что делать?",
        ],
    },
    Topic {
        weight: 6.0,
        team: 1,
        keyword: "refund",
        tag: "refund",
        subjects: ["Refund still missing", "Rimborso non ricevuto", "Refund 🙏"],
        asks: ["It's been ten days, where is my refund?", "Non ho ancora ricevuto il rimborso.", "환불은 언제 되나요?"],
    },
    Topic {
        weight: 14.0,
        team: 0,
        keyword: "login",
        tag: "login",
        subjects: ["Can't sign in", "Password reset mail never arrives", "Şifremi unuttum"],
        asks: ["I can't sign in since this morning.", "Şifremi sıfırlayamıyorum.", "登录不了，验证码收不到"],
    },
    Topic {
        weight: 11.0,
        team: 0,
        keyword: "bug",
        tag: "bug",
        subjects: ["App crashes on start 🐛", "Error 502 when I export", "Помилка після оновлення"],
        asks: [
            "The app closes as soon as I open it.",
            "Since the update the export shows an error.",
            "לא מצליח לפתוח את האפליקציה",
        ],
    },
    Topic {
        weight: 7.0,
        team: 0,
        keyword: "howto",
        tag: "how-to",
        subjects: ["How do I add a colleague?", "Question about exports", "Πώς αλλάζω το email μου;"],
        asks: [
            "How do I add a colleague to our account?",
            "मैं अपना पता कैसे बदलूँ?",
            "Is there a way to export everything?",
        ],
    },
    Topic {
        weight: 8.0,
        team: 3,
        keyword: "quote",
        tag: "quote",
        subjects: ["Offer for 40 seats", "Angebot für 12 Geräte", "Cotización 🙂"],
        asks: ["Could I get an offer for 40 seats?", "สอบถามราคาหน่อยค่ะ", "Do you ship to Norway?"],
    },
    Topic {
        weight: 6.0,
        team: 3,
        keyword: "upgrade",
        tag: "upgrade",
        subjects: ["Upgrade to the yearly plan", "Passage à l'offre Pro", "Which plan fits us?"],
        asks: ["What does the yearly plan cost?", "Quelle offre pour une équipe de 6 ?", "Mình muốn nâng cấp gói"],
    },
];

/// What customers write later on.
pub(super) const FOLLOW: [&str; 8] = [
    "Yes, that's the one.",
    "Thanks, and when will that be?",
    "Still the same here.",
    "OK, one moment please.",
    "My order is 40-11827.",
    "ok 👍",
    "I sent you a screenshot.",
    "That didn't work, sorry.",
];

/// What customers write while nobody answers.
pub(super) const NUDGE: [&str; 4] = ["hello?", "Anybody there?", "??", "Hello, are you still there? 🙏"];

/// What agents write.
pub(super) const ANSWER: [&str; 8] = [
    "Hi! Let me have a look at that for you.",
    "Could you tell me your order number, please?",
    "I've checked it with our warehouse, it leaves today.",
    "Please try again now and tell me what you see.",
    "You'll have the mail within a few minutes.",
    "Thanks for your patience! I've corrected it.",
    "I'm afraid this takes until tomorrow morning.",
    "Is there anything else I can do for you?",
];

/// What agents note for each other.
pub(super) const NOTE: [&str; 4] =
    ["Asked the warehouse.", "Third time this month, goodwill voucher is fine.", "Waiting for finance.", "Known bug."];

/// Saved replies.
pub(super) const MACROS: [&str; 6] =
    ["Greeting", "Ask for order number", "Refund started", "Reset password", "Parcel on its way", "Goodbye"];

/// What customers say with their rating.
pub(super) const COMMENTS: [&str; 5] =
    ["Quick and kind!", "👍👍", "Took too long.", "Merci beaucoup !", "まあまあです"];
