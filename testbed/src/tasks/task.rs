//! Work that a request leaves for later, and the four queues that it waits in.

use serde::{Deserialize, Serialize};

/// One piece of work. Doing it twice does no harm: brokers promise "at least once".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Task {
    /// Puts a mail into the local sink.
    SendEmail {
        /// Who gets it.
        to: String,
        /// Its subject.
        subject: String,
    },
    /// Prints the report of an incident into the cache.
    PrintReport {
        /// The incident's number.
        incident: i64,
    },
    /// Prints the document of a score report into the cache.
    PrintDocument {
        /// The report's number.
        report: i64,
    },
    /// Removes mails that nobody fetched.
    CleanUp,
    /// Looks whether database and cache answer.
    CollectHealth,
}

/// Where tasks of one kind wait, so that slow reports do not hold up mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Queue {
    Email,
    Reports,
    Maintenance,
    Monitoring,
}

impl Queue {
    /// Every queue.
    pub(crate) const ALL: [Self; 4] = [Self::Email, Self::Reports, Self::Maintenance, Self::Monitoring];

    /// Its name, in brokers and in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Reports => "reports",
            Self::Maintenance => "maintenance",
            Self::Monitoring => "monitoring",
        }
    }

    /// Its place in [`Queue::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl Task {
    /// The queue it waits in.
    pub(crate) const fn queue(&self) -> Queue {
        match self {
            Self::SendEmail { .. } => Queue::Email,
            Self::PrintReport { .. } | Self::PrintDocument { .. } => Queue::Reports,
            Self::CleanUp => Queue::Maintenance,
            Self::CollectHealth => Queue::Monitoring,
        }
    }

    /// The name under which a Celery worker knows it.
    pub(crate) const fn celery_name(&self) -> &'static str {
        match self {
            Self::SendEmail { .. } => "testbed.send_email",
            Self::PrintReport { .. } => "testbed.print_report",
            Self::PrintDocument { .. } => "testbed.print_document",
            Self::CleanUp => "testbed.clean_up",
            Self::CollectHealth => "testbed.collect_health",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_the_same_after_a_broker_and_each_kind_has_a_queue_of_its_own() {
        let tasks = [
            Task::SendEmail { to: "a@example.com".to_owned(), subject: "s".to_owned() },
            Task::PrintReport { incident: 7 },
            Task::CleanUp,
            Task::CollectHealth,
        ];
        for (task, queue) in tasks.into_iter().zip(Queue::ALL) {
            let text = serde_json::to_string(&task).expect("JSON");
            assert_eq!(serde_json::from_str::<Task>(&text).expect("a task"), task);
            assert_eq!((task.queue(), Queue::ALL[queue.index()]), (queue, queue));
        }
    }
}
