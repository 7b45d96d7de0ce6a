use clap::Subcommand;

use super::ShowArguments;

#[derive(Subcommand)]
pub(crate) enum VettingsCommand {
    /// Lists vettings, those that stand the longest first.
    List {
        /// Only those in this state.
        #[arg(long, value_parser = ["in_review", "approved", "refused", "withdrawn"])]
        state: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Shows one with all its reasons.
    Show {
        /// The developer's account.
        account: String,
        /// The ladder.
        #[arg(long, default_value = "default")]
        ladder: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Decides an application in review: gives a level, or refuses.
    Decide {
        /// The developer's account.
        account: String,
        /// The level to give.
        #[arg(long, required_unless_present = "refuse", conflicts_with = "refuse")]
        level: Option<String>,
        /// Refuse; the developer stays where it is.
        #[arg(long)]
        refuse: bool,
        /// Why, for those who look at it later.
        #[arg(long, default_value = "")]
        note: String,
        /// The ladder.
        #[arg(long, default_value = "default")]
        ladder: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Takes an application back for its developer.
    TakeBack {
        /// The developer's account.
        account: String,
        /// The ladder.
        #[arg(long, default_value = "default")]
        ladder: String,
        #[command(flatten)]
        show: ShowArguments,
    },
    /// Looks at a level again, and asks the risk service anew.
    AskAgain {
        /// The developer's account.
        account: String,
        /// The ladder.
        #[arg(long, default_value = "default")]
        ladder: String,
        #[command(flatten)]
        show: ShowArguments,
    },
}
