"""The tables, as migrations that run once each. `labeler/store/` holds all other SQL.

Annotations are append-only, and triggers hold that: undo, history and agreement are read from them, never
written over them. What is current is a view.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np

from labeler.store.driver import sqlite3
from labeler.store.forecast_forms import form_at, packed
from labeler.store.migrations import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("labeler")


def _run_script(db: Database, script: str) -> None:
    """Run statements that each end with a line, inside the caller's transaction.

    `sqlite3`'s `executescript` commits first; that of `sqlite_utils` looks for the end after each character, which
    takes 40 times as long.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.conn.execute(statement)
            statement = ""


# long: one script that creates the tables of the cycle
@migrations()
def m001_cycle(db: Database) -> None:
    _run_script(
        db,
        """
        CREATE TABLE items (
            id INTEGER PRIMARY KEY,
            content_hash TEXT NOT NULL UNIQUE,
            split TEXT CHECK (split IN ('pool', 'holdout')),  -- NULL until the holdout is drawn
            text TEXT,
            media TEXT,
            source TEXT NOT NULL,
            metadata TEXT NOT NULL DEFAULT '{}',
            added_at TEXT NOT NULL,
            CHECK ((text IS NULL) <> (media IS NULL))
        );
        CREATE INDEX items_split ON items (split, content_hash);

        -- One row for each place of a round's ranking: why an item was asked.
        CREATE TABLE queries (
            id INTEGER PRIMARY KEY,
            round INTEGER NOT NULL,  -- 0: asked before the first ranking was ready
            rank INTEGER NOT NULL,
            item_id INTEGER NOT NULL REFERENCES items (id),
            strategy TEXT NOT NULL,
            score REAL,
            UNIQUE (round, rank),
            UNIQUE (round, item_id)
        );
        CREATE INDEX queries_item ON queries (item_id, round);

        CREATE TABLE annotations (
            id INTEGER PRIMARY KEY,
            request_id TEXT NOT NULL UNIQUE,
            item_id INTEGER NOT NULL REFERENCES items (id),
            annotator TEXT NOT NULL,
            action TEXT NOT NULL CHECK (action IN ('label', 'skip', 'flag', 'undo')),
            label TEXT,
            query_id INTEGER REFERENCES queries (id),
            seconds REAL,
            tab TEXT,
            at TEXT NOT NULL,
            supersedes INTEGER UNIQUE REFERENCES annotations (id),
            CHECK ((action = 'label') = (label IS NOT NULL))
        );
        CREATE INDEX annotations_item ON annotations (item_id, annotator);
        CREATE INDEX annotations_annotator ON annotations (annotator, id);
        CREATE TRIGGER annotations_keep_rows BEFORE DELETE ON annotations
            BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
        CREATE TRIGGER annotations_keep_values BEFORE UPDATE ON annotations
            BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;

        -- The latest answer of each annotator to each item, unless it was taken back.
        CREATE VIEW answers AS
            SELECT a.* FROM annotations a
            WHERE a.action <> 'undo' AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.supersedes = a.id);

        -- One label an item: most votes, then the latest.
        CREATE VIEW labels AS
            SELECT item_id, label, votes, last_id FROM (
                SELECT item_id, label, COUNT(*) AS votes, MAX(id) AS last_id,
                       ROW_NUMBER() OVER (PARTITION BY item_id ORDER BY COUNT(*) DESC, MAX(id) DESC) AS place
                FROM answers WHERE action = 'label' GROUP BY item_id, label
            ) WHERE place = 1;

        CREATE TABLE reservations (
            item_id INTEGER NOT NULL REFERENCES items (id),
            annotator TEXT NOT NULL,
            tab TEXT NOT NULL,
            query_id INTEGER REFERENCES queries (id),
            expires_at REAL NOT NULL,
            PRIMARY KEY (item_id, annotator)
        );
        CREATE INDEX reservations_tab ON reservations (annotator, tab);

        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY,
            reason TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
            labels INTEGER NOT NULL,  -- pool labels when it was asked for, then when it was claimed
            attempts INTEGER NOT NULL DEFAULT 0,
            done INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,
            message TEXT NOT NULL DEFAULT '',
            error TEXT,
            requested_at TEXT NOT NULL,
            claimed_at TEXT,
            finished_at TEXT
        );
        CREATE UNIQUE INDEX jobs_one_queued ON jobs (state) WHERE state = 'queued';

        CREATE TABLE rounds (
            number INTEGER PRIMARY KEY,
            job_id INTEGER NOT NULL REFERENCES jobs (id),
            labels INTEGER NOT NULL,
            strategy TEXT NOT NULL,
            seed INTEGER NOT NULL,
            config TEXT NOT NULL,
            model TEXT,
            holdout_n INTEGER,
            accuracy REAL,
            low REAL,
            high REAL,
            macro_f1 REAL,
            train_seconds REAL NOT NULL,
            query_seconds REAL NOT NULL,
            finished_at TEXT NOT NULL
        );
        """,
    )


@migrations()
def m002_comparisons(db: Database) -> None:
    _run_script(
        db,
        """
        CREATE TABLE comparisons (
            id INTEGER PRIMARY KEY,
            request TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
            attempts INTEGER NOT NULL DEFAULT 0,
            done INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,
            message TEXT NOT NULL DEFAULT '',
            error TEXT,
            report TEXT,  -- JSON, as `simulate --out` writes it
            requested_by TEXT NOT NULL,
            requested_at TEXT NOT NULL,
            claimed_at TEXT,
            finished_at TEXT,
            CHECK ((state = 'done') = (report IS NOT NULL))
        );
        """,
    )


@migrations()
def m003_calibration(db: Database) -> None:
    _run_script(db, "ALTER TABLE rounds ADD COLUMN calibration_error REAL;")


@migrations()
def m004_training(db: Database) -> None:
    _run_script(db, "ALTER TABLE rounds ADD COLUMN training TEXT;  -- JSON")


BACKGROUND_TABLES = (
    *("comparisons", "tunings", "adaptations", "audits"),
    *("takeouts", "maps", "encoder_comparisons", "import_jobs"),
)


def _background_table(name: str) -> str:
    """A table of jobs that run beside the rounds; `done` and `total` count what the kind counts."""
    return f"""
        CREATE TABLE {name} (
            id INTEGER PRIMARY KEY,
            request TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
            attempts INTEGER NOT NULL DEFAULT 0,
            done INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,
            message TEXT NOT NULL DEFAULT '',
            error TEXT,
            report TEXT,  -- JSON
            requested_by TEXT NOT NULL,
            requested_at TEXT NOT NULL,
            claimed_at TEXT,
            finished_at TEXT,
            CHECK ((state = 'done') = (report IS NOT NULL))
        );
        """


@migrations()
def m005_tuning(db: Database) -> None:
    _run_script(db, _background_table("tunings"))


@migrations()
def m006_adaptations(db: Database) -> None:
    _run_script(db, _background_table("adaptations"))


@migrations()
def m007_desk(db: Database) -> None:
    _run_script(
        db,
        """
        ALTER TABLE queries ADD COLUMN predicted TEXT;  -- by the round's model; NULL: there was none, or the holdout's
        ALTER TABLE queries ADD COLUMN confidence REAL;
        ALTER TABLE annotations ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE annotations ADD COLUMN note TEXT;
        ALTER TABLE annotations ADD COLUMN reveal TEXT NOT NULL DEFAULT 'never'
            CHECK (reveal IN ('never', 'after', 'before'));

        CREATE TABLE annotators (
            name TEXT PRIMARY KEY,
            joined_at TEXT NOT NULL,
            role TEXT NOT NULL DEFAULT '',
            groups TEXT NOT NULL DEFAULT '[]',  -- JSON: of classes
            paused INTEGER NOT NULL DEFAULT 0,
            guidelines TEXT NOT NULL DEFAULT '',  -- digest of those seen last
            qualified INTEGER,  -- the lead's word; NULL: by the qualification items
            waiting_since REAL  -- without an item while others hold some
        );

        -- How many current labels an item has, and an annotator has given: asked with each answer, so kept ready.
        ALTER TABLE items ADD COLUMN labels INTEGER NOT NULL DEFAULT 0;
        UPDATE items SET labels = (SELECT COUNT(*) FROM answers WHERE item_id = items.id AND action = 'label');
        CREATE INDEX items_labeled ON items (split) WHERE labels > 0;
        CREATE TABLE tally (annotator TEXT PRIMARY KEY, labels INTEGER NOT NULL);
        INSERT INTO tally SELECT annotator, SUM(action = 'label') FROM answers GROUP BY annotator;
        CREATE TRIGGER annotations_tally AFTER INSERT ON annotations BEGIN
            UPDATE items SET labels = labels + (NEW.action = 'label')
                - (SELECT COUNT(*) FROM annotations WHERE id = NEW.supersedes AND action = 'label')
                WHERE id = NEW.item_id;
            INSERT INTO tally (annotator, labels) VALUES (NEW.annotator, 0) ON CONFLICT DO NOTHING;
            UPDATE tally SET labels = labels + (NEW.action = 'label')
                - (SELECT COUNT(*) FROM annotations WHERE id = NEW.supersedes AND action = 'label')
                WHERE annotator = NEW.annotator;
        END;

        -- Items whose known answer, the import's, newcomers are measured against.
        CREATE TABLE qualification (item_id INTEGER PRIMARY KEY REFERENCES items (id));

        -- One label an item: a known answer, else most votes, then the latest.
        DROP VIEW labels;
        CREATE VIEW labels AS
            SELECT item_id, label, votes, last_id FROM (
                SELECT item_id, label, COUNT(*) AS votes, MAX(id) AS last_id,
                       ROW_NUMBER() OVER (
                           PARTITION BY item_id
                           ORDER BY MAX(annotator = 'import' AND item_id IN (SELECT item_id FROM qualification)) DESC,
                                    COUNT(*) DESC, MAX(id) DESC
                       ) AS place
                FROM answers WHERE action = 'label' GROUP BY item_id, label
            ) WHERE place = 1;
        """,
    )


@migrations()
def m008_explanations(db: Database) -> None:
    _run_script(
        db,
        """
        -- What a model's scores of an item come from; asked for by annotators, computed by the explainer.
        CREATE TABLE explanations (
            id INTEGER PRIMARY KEY,
            content_hash TEXT NOT NULL,
            model TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('saw', 'local')),
            state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
            attempts INTEGER NOT NULL DEFAULT 0,
            result TEXT,  -- JSON
            error TEXT,
            requested_at TEXT NOT NULL,
            finished_at TEXT,
            UNIQUE (content_hash, model, kind),
            CHECK ((state = 'done') = (result IS NOT NULL))
        );
        CREATE INDEX explanations_waiting ON explanations (state) WHERE state IN ('queued', 'running');
        """,
    )


@migrations()
def m009_several_classes(db: Database) -> None:
    _run_script(db, "ALTER TABLE rounds ADD COLUMN micro_f1 REAL;")


# Sets an item's label after each answer and decision: the lead's decision, else the imported label of a qualification
# item, else the label with most votes, and of several such labels the latest.
_DECIDE = """
    UPDATE items SET
        adjudicated = (SELECT action FROM adjudged WHERE item_id = NEW.item_id AND action IN ('label', 'exclude')),
        label = CASE (SELECT action FROM adjudged WHERE item_id = NEW.item_id)
            WHEN 'label' THEN (SELECT label FROM adjudged WHERE item_id = NEW.item_id)
            WHEN 'exclude' THEN NULL
            ELSE (SELECT label FROM answers WHERE item_id = NEW.item_id AND action = 'label' GROUP BY label
                  ORDER BY MAX(annotator = 'import' AND item_id IN (SELECT item_id FROM qualification)) DESC,
                           COUNT(*) DESC, MAX(id) DESC LIMIT 1)
        END
    WHERE id = NEW.item_id;
"""


# long: one script that creates the tables of the lead's view
@migrations()
def m010_lead(db: Database) -> None:
    _run_script(
        db,
        f"""
        -- What a round's model says of the holdout, and of the items that rounds are compared on.
        CREATE TABLE forecasts (
            round INTEGER NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('holdout', 'stop')),
            items BLOB NOT NULL,  -- (n,) int64 ids
            proba BLOB NOT NULL,  -- (n, C) float32
            PRIMARY KEY (round, kind)
        );
        ALTER TABLE rounds ADD COLUMN agreement REAL;  -- kappa with the round before, on the items to compare on
        ALTER TABLE rounds ADD COLUMN uncertainty REAL;  -- mean of 1 - the highest probability, on the same items
        ALTER TABLE annotators ADD COLUMN rate REAL;  -- cost of an hour; NULL: the project's

        -- What the lead decided about an item: append-only as annotations are, and beside them, since those are the
        -- independent answers that agreement is measured on.
        CREATE TABLE adjudications (
            id INTEGER PRIMARY KEY,
            request_id TEXT NOT NULL UNIQUE,
            item_id INTEGER NOT NULL REFERENCES items (id),
            by TEXT NOT NULL,
            action TEXT NOT NULL CHECK (action IN ('label', 'exclude', 'return', 'undo')),
            label TEXT,
            before TEXT,  -- the item's label until then
            reason TEXT NOT NULL DEFAULT '',
            at TEXT NOT NULL,
            undoes INTEGER UNIQUE REFERENCES adjudications (id),
            CHECK ((action = 'label') = (label IS NOT NULL)),
            CHECK ((action = 'undo') = (undoes IS NOT NULL))
        );
        CREATE INDEX adjudications_item ON adjudications (item_id, id);
        CREATE TRIGGER adjudications_keep_rows BEFORE DELETE ON adjudications
            BEGIN SELECT RAISE(ABORT, 'adjudications are append-only'); END;
        CREATE TRIGGER adjudications_keep_values BEFORE UPDATE ON adjudications
            BEGIN SELECT RAISE(ABORT, 'adjudications are append-only'); END;
        -- The decision that holds for an item: the latest that was not taken back.
        CREATE VIEW adjudged AS
            SELECT a.* FROM adjudications a
            WHERE a.action <> 'undo' AND NOT EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = a.id)
              AND NOT EXISTS (
                  SELECT 1 FROM adjudications b WHERE b.item_id = a.item_id AND b.id > a.id AND b.action <> 'undo'
                  AND NOT EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = b.id)
              );

        ALTER TABLE items ADD COLUMN label TEXT;  -- the current one, kept by the triggers below
        ALTER TABLE items ADD COLUMN adjudicated TEXT;  -- 'label' | 'exclude': a decision holds
        ALTER TABLE items ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0;  -- labels in all, where more are asked for
        ALTER TABLE items ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0;  -- flags up to this annotation are dealt with
        ALTER TABLE items ADD COLUMN drawn INTEGER NOT NULL DEFAULT 0;  -- into the holdout, by a uniform draw
        UPDATE items SET label = (SELECT label FROM labels WHERE item_id = items.id);
        DROP VIEW labels;
        CREATE VIEW labels AS SELECT id AS item_id, label FROM items WHERE label IS NOT NULL;
        CREATE INDEX items_label ON items (split, label) WHERE label IS NOT NULL;
        CREATE INDEX items_shared ON items (id) WHERE labels > 1;
        CREATE INDEX annotations_doubt ON annotations (item_id) WHERE unsure OR action = 'flag';
        CREATE INDEX items_wanted ON items (id) WHERE wanted > labels;
        CREATE TRIGGER annotations_decide AFTER INSERT ON annotations BEGIN {_DECIDE} END;
        CREATE TRIGGER adjudications_decide AFTER INSERT ON adjudications BEGIN {_DECIDE} END;
        CREATE TRIGGER qualification_decide AFTER INSERT ON qualification BEGIN {_DECIDE} END;

        -- Labeling stops for all until somebody goes on: by a person, or by a rule that the settings name.
        CREATE TABLE stops (
            id INTEGER PRIMARY KEY,
            by TEXT NOT NULL,
            reason TEXT NOT NULL DEFAULT '',
            at TEXT NOT NULL,
            lifted_by TEXT,
            lifted_at TEXT
        );
        -- Holdout items that active testing drew, in the order of drawing.
        CREATE TABLE testing (
            position INTEGER PRIMARY KEY,
            item_id INTEGER NOT NULL UNIQUE REFERENCES items (id),
            q REAL NOT NULL,  -- the probability with which it was drawn among those that remained
            remaining INTEGER NOT NULL,  -- how many those were
            round INTEGER NOT NULL
        );
        """,
    )
    _run_script(db, _background_table("audits"))


# What an answer or decision says in today's classes has changed: so may the label of its item.
_TODAY = f"""
    CREATE TRIGGER annotations_today AFTER UPDATE OF today ON annotations
        WHEN NEW.action = 'label' AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.supersedes = NEW.id) BEGIN
        UPDATE items SET labels = labels + (NEW.today IS NOT NULL) - (OLD.today IS NOT NULL) WHERE id = NEW.item_id;
        {_DECIDE}
    END;
    CREATE TRIGGER adjudications_today AFTER UPDATE OF today ON adjudications BEGIN {_DECIDE} END;
"""


# long: one script that gives answers and decisions their label in today's classes
@migrations()
def m011_class_changes(db: Database) -> None:
    _run_script(
        db,
        """
        -- Changes of the classes. Answers and decisions keep the label that was given, and the number of the latest
        -- change at that time; `today` is what the label says in today's classes, NULL where it says nothing any more.
        CREATE TABLE class_changes (
            number INTEGER PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('rename', 'merge', 'split', 'add', 'retire')),
            old TEXT NOT NULL,  -- JSON lists of names
            new TEXT NOT NULL,
            before TEXT NOT NULL,  -- all classes of the project
            after TEXT NOT NULL,
            labels INTEGER NOT NULL,  -- answers that read differently since
            asked_again INTEGER NOT NULL,  -- of those, the ones that say nothing any more
            by TEXT NOT NULL,
            at TEXT NOT NULL
        );
        CREATE TRIGGER class_changes_keep_rows BEFORE DELETE ON class_changes
            BEGIN SELECT RAISE(ABORT, 'changes of classes are append-only'); END;
        CREATE TRIGGER class_changes_keep_values BEFORE UPDATE ON class_changes
            BEGIN SELECT RAISE(ABORT, 'changes of classes are append-only'); END;

        DROP TRIGGER annotations_keep_values;
        DROP TRIGGER adjudications_keep_values;
        ALTER TABLE rounds ADD COLUMN class_change INTEGER NOT NULL DEFAULT 0;  -- the latest when its labels were read
        ALTER TABLE annotations ADD COLUMN class_change INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE annotations ADD COLUMN today TEXT;
        ALTER TABLE adjudications ADD COLUMN class_change INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE adjudications ADD COLUMN today TEXT;
        UPDATE annotations SET today = label WHERE label IS NOT NULL;
        UPDATE adjudications SET today = label WHERE label IS NOT NULL;
        CREATE TRIGGER annotations_keep_values BEFORE UPDATE OF id, request_id, item_id, annotator, action, label,
                query_id, seconds, tab, at, supersedes, unsure, note, reveal, class_change ON annotations
            BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
        CREATE TRIGGER adjudications_keep_values BEFORE UPDATE OF id, request_id, item_id, by, action, label, before,
                reason, at, undoes, class_change ON adjudications
            BEGIN SELECT RAISE(ABORT, 'adjudications are append-only'); END;

        DROP VIEW answers;
        CREATE VIEW answers AS
            SELECT a.id, a.request_id, a.item_id, a.annotator, a.action, a.today AS label, a.label AS given, a.query_id,
                   a.seconds, a.tab, a.at, a.supersedes, a.unsure, a.note, a.reveal
            FROM annotations a
            WHERE a.action <> 'undo' AND (a.action <> 'label' OR a.today IS NOT NULL)
              AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.supersedes = a.id);
        DROP VIEW adjudged;
        CREATE VIEW adjudged AS
            SELECT a.id, a.request_id, a.item_id, a.by, a.action, a.today AS label, a.label AS given, a.before,
                   a.reason, a.at
            FROM adjudications a
            WHERE a.action <> 'undo' AND (a.action <> 'label' OR a.today IS NOT NULL)
              AND NOT EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = a.id)
              AND NOT EXISTS (
                  SELECT 1 FROM adjudications b WHERE b.item_id = a.item_id AND b.id > a.id AND b.action <> 'undo'
                  AND NOT EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = b.id)
              );

        -- The budget has paid for an answer that says nothing any more, but it is no label of its item.
        DROP TRIGGER annotations_tally;
        CREATE TRIGGER annotations_tally AFTER INSERT ON annotations BEGIN
            UPDATE items SET labels = labels + (NEW.today IS NOT NULL)
                - (SELECT COUNT(*) FROM annotations WHERE id = NEW.supersedes AND today IS NOT NULL)
                WHERE id = NEW.item_id;
            INSERT INTO tally (annotator, labels) VALUES (NEW.annotator, 0) ON CONFLICT DO NOTHING;
            UPDATE tally SET labels = labels + (NEW.action = 'label')
                - (SELECT COUNT(*) FROM annotations WHERE id = NEW.supersedes AND action = 'label')
                WHERE annotator = NEW.annotator;
        END;
        """
        + _TODAY,
    )


@migrations()
def m012_measured(db: Database) -> None:
    # how often the round's metrics were replaced: `Database.version` counts it, so that no page keeps older ones
    db.execute("ALTER TABLE rounds ADD COLUMN measured INTEGER NOT NULL DEFAULT 0")


@migrations()
def m013_takeouts(db: Database) -> None:
    _run_script(db, _background_table("takeouts"))


@migrations()
def m014_imports(db: Database) -> None:
    _run_script(
        db,
        """
        CREATE TABLE imports (
            id INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            at TEXT NOT NULL,
            undone_by TEXT,
            undone_at TEXT
        );
        ALTER TABLE items ADD COLUMN import_id INTEGER REFERENCES imports (id);  -- NULL: from before imports were kept
        ALTER TABLE items ADD COLUMN withdrawn TEXT;  -- the split until the item's import was undone
        CREATE INDEX items_import ON items (import_id);
        """,
    )


@migrations()
def m015_open_items(db: Database) -> None:
    # counting the items without a label reads no text
    db.execute("CREATE INDEX items_open ON items (split, content_hash, adjudicated, wanted) WHERE label IS NULL")


@migrations()
def m016_chosen(db: Database) -> None:
    _run_script(
        db,
        """
        -- Items that a lead selected to be asked next; those without a label wait until they are taken back.
        CREATE TABLE asked_next (
            id INTEGER PRIMARY KEY,
            item_id INTEGER NOT NULL REFERENCES items (id),
            by TEXT NOT NULL,
            selection TEXT NOT NULL,  -- what was selected: a message
            at TEXT NOT NULL,
            taken_back_at TEXT
        );
        CREATE UNIQUE INDEX asked_next_open ON asked_next (item_id) WHERE taken_back_at IS NULL;

        -- Who chose the item of an answer: NULL: the query or a draw; 'hand': the annotator, on the page Items; 'next':
        -- a lead, who had it asked next.
        ALTER TABLE annotations ADD COLUMN chosen TEXT CHECK (chosen IN ('hand', 'next'));
        CREATE INDEX annotations_chosen ON annotations (item_id) WHERE chosen IS NOT NULL;
        DROP TRIGGER annotations_keep_values;
        CREATE TRIGGER annotations_keep_values BEFORE UPDATE OF id, request_id, item_id, annotator, action, label,
                query_id, seconds, tab, at, supersedes, unsure, note, reveal, class_change, chosen ON annotations
            BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
        DROP VIEW answers;
        CREATE VIEW answers AS
            SELECT a.id, a.request_id, a.item_id, a.annotator, a.action, a.today AS label, a.label AS given, a.query_id,
                   a.seconds, a.tab, a.at, a.supersedes, a.unsure, a.note, a.reveal, a.chosen
            FROM annotations a
            WHERE a.action <> 'undo' AND (a.action <> 'label' OR a.today IS NOT NULL)
              AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.supersedes = a.id);
        """
        + _background_table("maps"),
    )


@migrations()
def m017_groups(db: Database) -> None:
    _run_script(
        db,
        """
        -- What an item belongs to, such as a patient: all items of a group are in the same split.
        ALTER TABLE items ADD COLUMN of_group TEXT;
        CREATE INDEX items_group ON items (of_group) WHERE of_group IS NOT NULL;
        ALTER TABLE rounds ADD COLUMN holdout_groups INTEGER;  -- of the holdout_n items; NULL: there are no groups
        """,
    )


@migrations()
def m018_encoder_comparisons(db: Database) -> None:
    # what was done about the encoder that a comparison proposes, by whom and when; by nobody where the settings did it
    answers = "".join(
        f"ALTER TABLE encoder_comparisons ADD COLUMN {column};\n"
        for column in ("answer TEXT CHECK (answer IN ('used', 'declined'))", "answered_by TEXT", "answered_at TEXT")
    )
    _run_script(db, _background_table("encoder_comparisons") + answers)


# The id of a request is its sender's own: of a stranger's, nobody learns and nothing is acknowledged.
_ANNOTATIONS = """
    CREATE TABLE annotations (
        id INTEGER PRIMARY KEY,
        request_id TEXT NOT NULL,
        item_id INTEGER NOT NULL REFERENCES items (id),
        annotator TEXT NOT NULL,
        action TEXT NOT NULL CHECK (action IN ('label', 'skip', 'flag', 'undo')),
        label TEXT,
        query_id INTEGER REFERENCES queries (id),
        seconds REAL,
        tab TEXT,
        at TEXT NOT NULL,
        supersedes INTEGER UNIQUE REFERENCES annotations (id),
        unsure INTEGER NOT NULL DEFAULT 0,
        note TEXT,
        reveal TEXT NOT NULL DEFAULT 'never' CHECK (reveal IN ('never', 'after', 'before')),
        class_change INTEGER NOT NULL DEFAULT 0,
        today TEXT,
        chosen TEXT CHECK (chosen IN ('hand', 'next')),
        UNIQUE (annotator, request_id),
        CHECK ((action = 'label') = (label IS NOT NULL))
    );
"""


@migrations()
def m019_identity(db: Database) -> None:
    _run_script(
        db,
        """
        -- `uid` tells the project from any other, also from one that is made later under the same name. older: it had
        -- items before it had a uid, so that browsers may hold answers for it that know its folder's name only.
        CREATE TABLE project (uid TEXT NOT NULL, older INTEGER NOT NULL);
        INSERT INTO project SELECT lower(hex(randomblob(16))), EXISTS (SELECT 1 FROM items);

        -- Who was ever given which item: they may see and answer it, also after the reservation has ended.
        CREATE TABLE offers (
            item_id INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
            annotator TEXT NOT NULL,
            PRIMARY KEY (item_id, annotator)
        ) WITHOUT ROWID;
        CREATE TRIGGER reservations_offer AFTER INSERT ON reservations BEGIN
            INSERT INTO offers VALUES (NEW.item_id, NEW.annotator) ON CONFLICT DO NOTHING;
        END;
        -- Until now nobody recorded that: whoever labeled here counts as having been given all that was asked.
        INSERT INTO offers
            SELECT asked.item_id, people.name
            FROM (SELECT item_id FROM queries UNION SELECT item_id FROM asked_next
                  UNION SELECT item_id FROM qualification UNION SELECT item_id FROM reservations) asked,
                 (SELECT name FROM annotators UNION SELECT annotator FROM annotations WHERE annotator <> 'import'
                  UNION SELECT annotator FROM reservations) people;
        """,
    )
    # A constraint cannot be dropped, so the table is written anew. References to its name in views and in triggers of
    # other tables stay as they are.
    kept = db.execute(
        "SELECT type, name, sql FROM sqlite_schema"
        " WHERE tbl_name = 'annotations' AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid"
    ).fetchall()
    for kind, name, _ in kept:
        db.execute(f"DROP {kind} {name}")
    db.execute("PRAGMA legacy_alter_table = ON")
    db.execute("ALTER TABLE annotations RENAME TO annotations_before")
    db.execute("PRAGMA legacy_alter_table = OFF")
    _run_script(db, _ANNOTATIONS)
    db.execute("INSERT INTO annotations SELECT * FROM annotations_before ORDER BY id")
    db.execute("DROP TABLE annotations_before")
    for *_, statement in kept:
        db.execute(statement)


# The table of `store.audit.AuditLog`, which any database can have. Its rows are chained by their hashes.
AUDIT_LOG = """
    CREATE TABLE audit_log (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        action TEXT NOT NULL,
        how TEXT NOT NULL,
        by TEXT NOT NULL,
        address TEXT NOT NULL,
        what TEXT NOT NULL,  -- JSON
        before TEXT,
        after TEXT,
        salt TEXT NOT NULL,  -- so that nobody finds by trying what a digest was of
        digest TEXT NOT NULL,  -- of what an erasure may change: by, address, what, before, after, salt
        hash TEXT NOT NULL  -- of the hash before and the other columns
    );
    CREATE INDEX audit_log_by ON audit_log (by, id);
    CREATE TRIGGER audit_log_keep_rows BEFORE DELETE ON audit_log
        BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_log_keep_values BEFORE UPDATE ON audit_log
        BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
"""


def create_audit_log(db: Database) -> None:
    """Create the table of an audit log, inside the caller's transaction."""
    _run_script(db, AUDIT_LOG)


@migrations()
def m020_audit_log(db: Database) -> None:
    create_audit_log(db)
    # the settings that the log has last said something of; what differs was changed in the file by hand
    _run_script(db, "CREATE TABLE logged_settings (id INTEGER PRIMARY KEY CHECK (id = 1), settings TEXT NOT NULL);")


@migrations()
def m021_erasure(db: Database) -> None:
    _run_script(
        db,
        """
        ALTER TABLE items ADD COLUMN erased_at TEXT;  -- since when an item has no content any more
        DROP INDEX items_open;
        CREATE INDEX items_open ON items (split, content_hash, adjudicated, wanted, erased_at) WHERE label IS NULL;
        """,
    )


@migrations()
def m022_erasures(db: Database) -> None:
    # counting them is cheap, so that nothing that is kept in memory outlives one
    db.execute("CREATE INDEX audit_log_erasures ON audit_log (id) WHERE action IN ('person erased', 'items erased')")


@migrations()
def m023_unreadable_items_and_import_jobs(db: Database) -> None:
    _run_script(
        db,
        """
        ALTER TABLE items ADD COLUMN unreadable TEXT;  -- a message: why the item is set aside, until its file is mended
        CREATE INDEX items_unreadable ON items (id) WHERE unreadable IS NOT NULL;
        DROP INDEX items_open;
        CREATE INDEX items_open ON items (split, content_hash, adjudicated, wanted, erased_at, unreadable)
            WHERE label IS NULL;
        """
        + _background_table("import_jobs"),
    )


@migrations()
def m024_refused(db: Database) -> None:
    _run_script(
        db,
        """
        -- Answers that the server did not take, until they are stored after all or somebody discards them.
        CREATE TABLE refused_answers (
            id INTEGER PRIMARY KEY,
            annotator TEXT NOT NULL,
            request_id TEXT NOT NULL,
            item_id INTEGER,  -- NULL: what was sent is no item's id
            answer TEXT NOT NULL,  -- JSON, as it was sent
            reason TEXT NOT NULL,  -- a message
            at TEXT NOT NULL,
            discarded_by TEXT,  -- kept, so that the browser that holds the answer hears of it
            UNIQUE (annotator, request_id)
        );
        """,
    )


@migrations()
def m025_how_rounds_ended(db: Database) -> None:
    _run_script(
        db,
        """
        ALTER TABLE jobs ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;  -- workers that crashed by themselves in it
        ALTER TABLE jobs ADD COLUMN halvings INTEGER NOT NULL DEFAULT 0;  -- of the batches, as memory was short
        """,
    )


# What an item's answers and decisions say of it, after each of them: the columns that are kept so that nothing has to
# read the answers of all items.
_KEEP = """
    UPDATE items SET
        adjudicated = (SELECT action FROM adjudged WHERE item_id = NEW.item_id AND action IN ('label', 'exclude')),
        label = CASE (SELECT action FROM adjudged WHERE item_id = NEW.item_id)
            WHEN 'label' THEN (SELECT label FROM adjudged WHERE item_id = NEW.item_id)
            WHEN 'exclude' THEN NULL
            ELSE (SELECT label FROM answers WHERE item_id = NEW.item_id AND action = 'label' GROUP BY label
                  ORDER BY MAX(annotator = 'import' AND item_id IN (SELECT item_id FROM qualification)) DESC,
                           COUNT(*) DESC, MAX(id) DESC LIMIT 1)
        END,
        (labels, known, flagged) = (
            SELECT COUNT(*) FILTER (WHERE a.action = 'label'),
                   COALESCE(MAX(a.action = 'label' AND a.annotator = 'import'), 0),
                   COALESCE(MAX(a.action = 'flag' AND a.id > items.cleared), 0)
            FROM answers a WHERE a.item_id = NEW.item_id
        )
    WHERE id = NEW.item_id;
"""
# Whether the item of a place in a ranking is open, has no label, and is held by nobody.
_FREE = """
    EXISTS (SELECT 1 FROM items WHERE id = {item} AND open AND labels = 0)
    AND NOT EXISTS (SELECT 1 FROM reservations WHERE item_id = {item})
"""
_LATEST = "(SELECT COALESCE(MAX(number), 0) FROM rounds)"


def _set_free(item: str) -> str:
    """The statement that sets `queries.free` of an item's place in the latest ranking."""
    return f"UPDATE queries SET free = ({_FREE.format(item=item)}) WHERE item_id = {item} AND round = {_LATEST};"


# long: one script that creates what is kept and the triggers that keep it
@migrations()
def m026_kept_counts(db: Database) -> None:
    _run_script(
        db,
        f"""
        ALTER TABLE items ADD COLUMN flagged INTEGER NOT NULL DEFAULT 0;  -- whether a flag waits for the lead
        ALTER TABLE items ADD COLUMN known INTEGER NOT NULL DEFAULT 0;  -- whether an import gave its label
        UPDATE items SET flagged = 1 WHERE id IN (
            SELECT a.item_id FROM answers a JOIN items f ON f.id = a.item_id
            WHERE a.action = 'flag' AND a.id > f.cleared
        );
        UPDATE items SET known = 1 WHERE id IN (
            SELECT item_id FROM answers WHERE annotator = 'import' AND action = 'label'
        );
        ALTER TABLE items ADD COLUMN open INTEGER GENERATED ALWAYS AS (  -- whether people may be asked about it
            split IS NOT NULL AND adjudicated IS NULL AND erased_at IS NULL AND unreadable IS NULL
            AND NOT flagged AND NOT known
        ) VIRTUAL;
        -- Whether a list shows it: whoever answers an item of the holdout must not know what it is for.
        ALTER TABLE items ADD COLUMN listed INTEGER GENERATED ALWAYS AS (
            erased_at IS NULL AND unreadable IS NULL AND split IS NOT NULL AND (split = 'pool' OR label IS NOT NULL)
        ) VIRTUAL;
        DROP INDEX items_open;
        DROP INDEX items_labeled;
        CREATE INDEX items_open ON items (labels, split, content_hash) WHERE open;
        CREATE INDEX items_listed ON items (id) WHERE listed;
        CREATE INDEX items_undecided ON items (id) WHERE split IS NULL AND withdrawn IS NULL;
        CREATE INDEX items_flagged ON items (id) WHERE flagged;
        CREATE INDEX items_decided ON items (adjudicated) WHERE adjudicated IS NOT NULL;
        CREATE INDEX items_erased ON items (id) WHERE erased_at IS NOT NULL;

        -- The number of items of each split with each label; '' is none. Counted by the triggers below, as is
        -- `open_counts`: the open items by their number of labels and the first digits of their hash, which decide how
        -- many labels are wanted under whatever settings.
        CREATE TABLE item_counts (
            split TEXT NOT NULL, label TEXT NOT NULL, open INTEGER NOT NULL, n INTEGER NOT NULL,
            PRIMARY KEY (split, label, open)
        ) WITHOUT ROWID;
        INSERT INTO item_counts
            SELECT split, COALESCE(label, ''), open, COUNT(*) FROM items WHERE split IS NOT NULL GROUP BY 1, 2, 3;
        CREATE TABLE open_counts (
            labels INTEGER NOT NULL, prefix TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (labels, prefix)
        ) WITHOUT ROWID;
        INSERT INTO open_counts
            SELECT labels, substr(content_hash, 1, 3), COUNT(*) FROM items WHERE open GROUP BY 1, 2;

        -- whether the item is open and has no label yet
        ALTER TABLE asked_next ADD COLUMN waits INTEGER NOT NULL DEFAULT 1;
        UPDATE asked_next SET waits = 0 WHERE item_id NOT IN (SELECT id FROM items WHERE open AND labels = 0);
        CREATE INDEX asked_next_waiting ON asked_next (id) WHERE waits AND taken_back_at IS NULL;

        -- kept for the latest ranking alone, so that what was asked is never passed over again
        ALTER TABLE queries ADD COLUMN free INTEGER NOT NULL DEFAULT 1;
        UPDATE queries SET free = 0 WHERE round < {_LATEST} OR NOT ({_FREE.format(item="queries.item_id")});
        CREATE INDEX queries_free ON queries (round, rank) WHERE free;
        CREATE TRIGGER queries_free_new AFTER INSERT ON queries WHEN NOT ({_FREE.format(item="NEW.item_id")}) BEGIN
            UPDATE queries SET free = 0 WHERE id = NEW.id;
        END;
        CREATE TRIGGER reservations_made AFTER INSERT ON reservations BEGIN {_set_free("NEW.item_id")} END;
        CREATE TRIGGER reservations_ended AFTER DELETE ON reservations BEGIN {_set_free("OLD.item_id")} END;
        -- The item of each split whose content hash was the last that was appended to a ranking.
        CREATE TABLE appended (split TEXT PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES items (id)) WITHOUT ROWID;

        CREATE TRIGGER items_counted AFTER INSERT ON items WHEN NEW.split IS NOT NULL BEGIN
            INSERT INTO item_counts VALUES (NEW.split, COALESCE(NEW.label, ''), NEW.open, 1)
                ON CONFLICT DO UPDATE SET n = n + 1;
            INSERT INTO open_counts SELECT NEW.labels, substr(NEW.content_hash, 1, 3), 1 WHERE NEW.open
                ON CONFLICT DO UPDATE SET n = n + 1;
        END;
        CREATE TRIGGER items_counted_anew AFTER UPDATE OF split, content_hash, label, labels, adjudicated, erased_at,
                unreadable, flagged, known ON items
            WHEN (OLD.split, OLD.content_hash, OLD.label, OLD.labels, OLD.open)
                IS NOT (NEW.split, NEW.content_hash, NEW.label, NEW.labels, NEW.open) BEGIN
            UPDATE item_counts SET n = n - 1
                WHERE split = OLD.split AND label = COALESCE(OLD.label, '') AND open = OLD.open;
            INSERT INTO item_counts SELECT NEW.split, COALESCE(NEW.label, ''), NEW.open, 1 WHERE NEW.split IS NOT NULL
                ON CONFLICT DO UPDATE SET n = n + 1;
            UPDATE open_counts SET n = n - 1
                WHERE OLD.open AND labels = OLD.labels AND prefix = substr(OLD.content_hash, 1, 3);
            INSERT INTO open_counts SELECT NEW.labels, substr(NEW.content_hash, 1, 3), 1 WHERE NEW.open
                ON CONFLICT DO UPDATE SET n = n + 1;
            {_set_free("NEW.id")}
            UPDATE asked_next SET waits = NEW.open AND NEW.labels = 0 WHERE item_id = NEW.id AND taken_back_at IS NULL;
        END;

        DROP TRIGGER annotations_tally;
        CREATE TRIGGER annotations_tally AFTER INSERT ON annotations BEGIN
            INSERT INTO tally (annotator, labels) VALUES (NEW.annotator, 0) ON CONFLICT DO NOTHING;
            UPDATE tally SET labels = labels + (NEW.action = 'label')
                - (SELECT COUNT(*) FROM annotations WHERE id = NEW.supersedes AND action = 'label')
                WHERE annotator = NEW.annotator;
        END;
        DROP TRIGGER annotations_decide;
        DROP TRIGGER adjudications_decide;
        DROP TRIGGER qualification_decide;
        DROP TRIGGER annotations_today;
        DROP TRIGGER adjudications_today;
        CREATE TRIGGER annotations_decide AFTER INSERT ON annotations BEGIN {_KEEP} END;
        CREATE TRIGGER adjudications_decide AFTER INSERT ON adjudications BEGIN {_KEEP} END;
        CREATE TRIGGER qualification_decide AFTER INSERT ON qualification BEGIN {_KEEP} END;
        CREATE TRIGGER annotations_today AFTER UPDATE OF today ON annotations BEGIN {_KEEP} END;
        CREATE TRIGGER adjudications_today AFTER UPDATE OF today ON adjudications BEGIN {_KEEP} END;
        """,
    )


_FIGURES = (
    "job_id, labels, strategy, seed, model, holdout_n, accuracy, low, high, macro_f1, train_seconds, query_seconds,"
    " finished_at, calibration_error, micro_f1, agreement, uncertainty, class_change, measured, holdout_groups,"
    " config ->> '$.learner.backbone', config ->> '$.learner.adapted'"
)


@migrations()
def m028_compact_forecasts(db: Database) -> None:
    _run_script(
        db,
        """
        ALTER TABLE forecasts RENAME TO forecasts_before;
        -- What the probabilities of some rounds are of.
        CREATE TABLE forecast_axes (
            id INTEGER PRIMARY KEY,
            classes TEXT NOT NULL,  -- JSON list of names
            class_change INTEGER NOT NULL,  -- number of the latest change of the classes at that time
            items BLOB NOT NULL  -- (n,) int64 ids
        );
        CREATE TABLE forecasts (
            round INTEGER NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('holdout', 'stop')),
            axes INTEGER NOT NULL REFERENCES forecast_axes (id),
            form TEXT NOT NULL CHECK (form IN ('probabilities', 'rough', 'decisions')),
            proba BLOB NOT NULL,  -- in its form, see `labeler.store.forecast_forms`
            PRIMARY KEY (round, kind)
        );
        CREATE INDEX forecasts_form ON forecasts (kind, form, round, axes);
        CREATE INDEX forecasts_axes ON forecasts (axes);
        -- The rounds up to `latest` have metrics by the labels that this is the digest of; one row at most.
        CREATE TABLE measured_by (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            basis TEXT NOT NULL,
            latest INTEGER NOT NULL
        );
        INSERT INTO forecast_axes (classes, class_change, items)
            SELECT DISTINCT r.config ->> '$.classes', r.class_change, f.items
            FROM forecasts_before f JOIN rounds r ON r.number = f.round;
        """,
    )
    latest = db.execute("SELECT MAX(round) FROM forecasts_before").fetchone()[0]
    before = db.execute(
        "SELECT f.round, f.kind, a.id, json_array_length(a.classes), r.config ->> '$.answers', f.proba"
        " FROM forecasts_before f JOIN rounds r ON r.number = f.round JOIN forecast_axes a"
        " ON (a.items, a.classes, a.class_change) = (f.items, r.config ->> '$.classes', r.class_change)"
    )
    for number, kind, axes, n_classes, answers, proba in before:
        several = answers == "several"
        form = form_at(latest if kind == "stop" else number, latest, n_classes, several)
        blob = packed(np.frombuffer(proba, "<f4").reshape(-1, n_classes), form, several)
        db.execute("INSERT INTO forecasts VALUES (?, ?, ?, ?, ?)", [number, kind, axes, form, blob])
    db.execute("DROP TABLE forecasts_before")
    # A round's settings are long: the pages read the other columns from this index, without them.
    db.execute(f"CREATE INDEX rounds_figures ON rounds (number, {_FIGURES})")


@migrations()
def m032_left_out(db: Database) -> None:
    # items that were not embedded yet when the round was ranked; pages read it from the index, see m028
    db.execute("ALTER TABLE rounds ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0")
    db.execute("DROP INDEX rounds_figures")
    db.execute(f"CREATE INDEX rounds_figures ON rounds (number, {_FIGURES}, left_out)")


@migrations()
def m029_objects(db: Database) -> None:
    # JSON: what a store said of the object that `media` is the address of; NULL: `media` is a file of the project
    db.execute("ALTER TABLE items ADD COLUMN object TEXT")


@migrations()
def m033_no_index_before_the_split(db: Database) -> None:
    # an import adds items before their splits are drawn: until then nothing looks for them in this order
    db.execute("DROP INDEX items_split")
    db.execute("CREATE INDEX items_split ON items (split, content_hash) WHERE split IS NOT NULL")


@migrations()
def m034_foreign_predictions(db: Database) -> None:
    _run_script(
        db,
        """
        -- Models of somebody else, whose predictions came with an import. An id is never given twice.
        CREATE TABLE foreign_models (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            model TEXT NOT NULL,  -- its name
            version TEXT NOT NULL,  -- '': it has none
            at TEXT NOT NULL,
            by TEXT NOT NULL,
            source TEXT NOT NULL,  -- name of the file
            classes TEXT NOT NULL,  -- JSON: the project's at that time, which the predictions are of
            class_change INTEGER NOT NULL,  -- number of the latest change of the classes at that time
            n INTEGER NOT NULL DEFAULT 0,  -- predictions
            complete INTEGER NOT NULL DEFAULT 0  -- whether all of them are there; before that none counts
        );
        CREATE UNIQUE INDEX foreign_models_named ON foreign_models (model, version) WHERE complete;
        CREATE TABLE foreign_predictions (
            model_id INTEGER NOT NULL REFERENCES foreign_models (id),
            item_id INTEGER NOT NULL REFERENCES items (id),
            label TEXT NOT NULL,  -- as it was given
            proba BLOB,  -- (C,) float32 over the model's `classes`
            confidence REAL,  -- the probability of `label`, where it was given by itself
            PRIMARY KEY (model_id, item_id)
        ) WITHOUT ROWID;
        CREATE INDEX foreign_predictions_item ON foreign_predictions (item_id);
        """,
    )


@migrations()
def m035_endings(db: Database) -> None:
    # as of rounds: how often the process of a job crashed by itself, and how often batches were halved for memory
    for table in (*BACKGROUND_TABLES, "explanations"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0")
    for table in BACKGROUND_TABLES:
        db.execute(f"ALTER TABLE {table} ADD COLUMN halvings INTEGER NOT NULL DEFAULT 0")


@migrations()
def m037_changed_metadata(db: Database) -> None:
    # what pages keep of items' metadata is out of date after each change, so they are counted often
    db.execute("CREATE INDEX audit_log_metadata ON audit_log (id) WHERE action = 'metadata changed'")


@migrations()
def m038_events(db: Database) -> None:
    _run_script(
        db,
        """
        -- Addresses that are told of events.
        CREATE TABLE webhooks (
            id INTEGER PRIMARY KEY,
            url TEXT NOT NULL,
            events TEXT NOT NULL,  -- JSON list of names
            secret TEXT NOT NULL,  -- that bodies are signed with
            added_by TEXT NOT NULL,
            added_at TEXT NOT NULL,
            removed_at TEXT
        );
        -- Each event, for each webhook that asks for it, written in the transaction of what happened.
        CREATE TABLE webhook_deliveries (
            id INTEGER PRIMARY KEY,
            uid TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))),
            webhook INTEGER NOT NULL REFERENCES webhooks (id),
            event TEXT NOT NULL,
            data TEXT NOT NULL,  -- JSON
            at TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            next_at REAL DEFAULT 0,  -- Unix time of the next attempt; NULL: there is none
            delivered_at TEXT,
            problem TEXT  -- of the last attempt
        );
        CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at) WHERE next_at IS NOT NULL;
        """
        + "".join(_event(*event) for event in _EVENTS)
        + """
        -- Trackers of experiments, and the latest round that each of them has.
        CREATE TABLE tracked (
            tracker TEXT PRIMARY KEY,
            round INTEGER NOT NULL,
            next_at REAL NOT NULL DEFAULT 0,  -- Unix time before which it is not tried again
            problem TEXT
        );
        """,
    )


# Event, the table whose new row it is, the condition, its data, and its time.
_EVENTS = (
    (
        "round.finished",
        "rounds",
        "1",
        "json_object('round', NEW.number, 'labels', NEW.labels, 'strategy', NEW.strategy, 'accuracy', NEW.accuracy,"
        " 'low', NEW.low, 'high', NEW.high, 'holdout', NEW.holdout_n)",
        "NEW.finished_at",
    ),
    (
        "labels.exported",
        "audit_log",
        "NEW.action = 'exported'",
        "json_patch(NEW.what, json_object('by', NEW.by, 'count', NEW.after ->> '$.rows'))",
        "NEW.at",
    ),
    (
        "item.flagged",
        "annotations",
        "NEW.action = 'flag'",
        "json_object('item', NEW.item_id, 'by', NEW.annotator)",
        "NEW.at",
    ),
    ("member.joined", "annotators", "1", "json_object('name', NEW.name)", "NEW.joined_at"),
)


def _event(event: str, table: str, condition: str, data: str, at: str) -> str:
    """A trigger that tells the webhooks which ask for an event of each new row of a table."""
    return f"""
        CREATE TRIGGER {table}_event AFTER INSERT ON {table} WHEN {condition} BEGIN
            INSERT INTO webhook_deliveries (webhook, event, data, at)
                SELECT w.id, '{event}', {data}, {at} FROM webhooks w, json_each(w.events) e
                WHERE w.removed_at IS NULL AND e.value = '{event}';
        END;
    """


@migrations()
def m040_label_studio(db: Database) -> None:
    _run_script(
        db,
        """
        -- The project of a Label Studio that people annotate in; one row at most.
        CREATE TABLE label_studio (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            url TEXT NOT NULL,
            token TEXT NOT NULL,  -- that Label Studio gave
            project INTEGER NOT NULL,  -- its number there
            by TEXT NOT NULL,
            asked TEXT NOT NULL DEFAULT '',  -- the version under which it was told what is asked next
            round INTEGER NOT NULL DEFAULT -1,  -- whose ranking that was
            read_until TEXT NOT NULL DEFAULT '',  -- by its clock: answers were read up to this time
            next_at REAL NOT NULL DEFAULT 0,  -- Unix time of the next look
            problem TEXT
        );
        CREATE TABLE label_studio_tasks (
            task INTEGER PRIMARY KEY,
            item_id INTEGER REFERENCES items (id) ON DELETE SET NULL  -- NULL: it could not be imported
        );
        CREATE INDEX label_studio_tasks_item ON label_studio_tasks (item_id);
        """,
    )


@migrations()
def m041_feeds(db: Database) -> None:
    _run_script(
        db,
        """
        -- What came of the feeds that the settings name.
        CREATE TABLE feeds (
            feed TEXT PRIMARY KEY,
            place TEXT NOT NULL,  -- what it was: another one under the same name begins anew
            cursor TEXT,  -- JSON: the largest value that was read; NULL: none was
            next_at REAL NOT NULL DEFAULT 0,  -- Unix time of the next look
            looked_at TEXT,  -- the last look that succeeded
            items INTEGER NOT NULL DEFAULT 0,  -- that it has brought in all
            latest INTEGER NOT NULL DEFAULT 0,  -- of them: by the last look that brought any
            latest_at TEXT,
            refused TEXT NOT NULL DEFAULT '[]',  -- JSON: what was not imported, source and reason; the first ones
            failures INTEGER NOT NULL DEFAULT 0,  -- looks in a row that failed
            failing_since TEXT,
            problem TEXT  -- of the last look
        ) WITHOUT ROWID;
        -- Files that a feed has read, in the version in which it has read them.
        CREATE TABLE feed_files (
            feed TEXT NOT NULL,
            file TEXT NOT NULL,
            version TEXT NOT NULL,
            PRIMARY KEY (feed, file)
        ) WITHOUT ROWID;
        -- When feeds have brought items last; one row at most.
        CREATE TABLE feed_items (id INTEGER PRIMARY KEY CHECK (id = 1), at TEXT NOT NULL);
        """,
    )


@migrations()
def m044_one_index_less(db: Database) -> None:
    # An index of hashes is written at random places: at a million items each of them took a quarter of the seconds of
    # storing an import. That of `content_hash` alone gives the order, and these the few items that it has too many.
    db.execute("DROP INDEX items_split")
    db.execute("CREATE INDEX items_holdout ON items (id) WHERE split = 'holdout'")
    db.execute("CREATE INDEX items_withdrawn ON items (id) WHERE withdrawn IS NOT NULL")


@migrations()
def m043_label_studio_people(db: Database) -> None:
    _run_script(
        db,
        """
        -- A task that could not be read is tried again, later each time.
        ALTER TABLE label_studio_tasks ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE label_studio_tasks ADD COLUMN next_at REAL NOT NULL DEFAULT 0;  -- Unix time
        -- The name that stands here for a user of the linked Label Studio: two may have the same one there.
        CREATE TABLE label_studio_people (
            user INTEGER PRIMARY KEY,  -- its number there
            name TEXT NOT NULL UNIQUE
        );
        """,
    )


@migrations()
def m042_later_items(db: Database) -> None:
    _run_script(
        db,
        """
        -- The probability of the later draw of the holdout that an item was in; 0: none was drawn; NULL: it came with
        -- the first draw, or its side was given.
        ALTER TABLE items ADD COLUMN chance REAL;
        CREATE INDEX items_later ON items (split, chance, added_at, label) WHERE chance IS NOT NULL;
        UPDATE items SET chance = 0 WHERE split = 'pool' AND import_id > (
            SELECT MIN(import_id) FROM items WHERE split = 'holdout' AND drawn
        );
        -- How many of the holdout items came with later imports.
        ALTER TABLE rounds ADD COLUMN holdout_later INTEGER;
        DROP INDEX rounds_figures;
        """,
    )
    db.execute(f"CREATE INDEX rounds_figures ON rounds (number, {_FIGURES}, left_out, holdout_later)")


@migrations()
def m046_later_counts(db: Database) -> None:
    _run_script(
        db,
        """
        -- The items with a side that came later, by whether a draw stands for them; counted by the triggers below.
        CREATE TABLE later_counts (drawn INTEGER PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO later_counts
            SELECT chance > 0, COUNT(*) FROM items WHERE chance IS NOT NULL AND split IS NOT NULL GROUP BY 1;
        CREATE TRIGGER items_later_counted AFTER INSERT ON items
            WHEN NEW.chance IS NOT NULL AND NEW.split IS NOT NULL BEGIN
            INSERT INTO later_counts VALUES (NEW.chance > 0, 1) ON CONFLICT DO UPDATE SET n = n + 1;
        END;
        CREATE TRIGGER items_later_counted_anew AFTER UPDATE OF split, chance ON items
            WHEN (OLD.split IS NULL, OLD.chance) IS NOT (NEW.split IS NULL, NEW.chance) BEGIN
            UPDATE later_counts SET n = n - 1 WHERE drawn = (OLD.chance > 0) AND OLD.split IS NOT NULL;
            INSERT INTO later_counts SELECT NEW.chance > 0, 1 WHERE NEW.chance IS NOT NULL AND NEW.split IS NOT NULL
                ON CONFLICT DO UPDATE SET n = n + 1;
        END;
        """,
    )


# Whether a row of the answers is a person's own: not of an import, nor what a person answered in another tool.
_BY_PEOPLE = "{row}.annotator <> 'import' AND {row}.request_id NOT GLOB 'import:*'"
# Whether people answered an item, flagged or skipped it here, or a lead decided about it.
_TOUCHED = f"""(
    EXISTS (SELECT 1 FROM annotations a WHERE a.item_id = {{item}} AND {_BY_PEOPLE.format(row="a")})
    OR EXISTS (SELECT 1 FROM adjudications WHERE item_id = {{item}} AND request_id NOT GLOB 'import:*')
)"""
# Whether a new answer or decision of theirs is the first one about its item.
_IS_FIRST = f"""1 = (
    (SELECT COUNT(*) FROM annotations a WHERE a.item_id = NEW.item_id AND {_BY_PEOPLE.format(row="a")})
    + (SELECT COUNT(*) FROM adjudications WHERE item_id = NEW.item_id AND request_id NOT GLOB 'import:*')
)"""
_ANSWERED = """
    UPDATE imports SET answered = answered + 1
        WHERE id = (SELECT import_id FROM items WHERE id = NEW.item_id AND withdrawn IS NULL);
"""
_JOINED = """
    UPDATE group_totals SET items = items + 1, groups = groups + NOT EXISTS (
        SELECT 1 FROM items WHERE of_group = NEW.of_group AND split IS NOT NULL AND id <> NEW.id
    ) WHERE NEW.of_group IS NOT NULL AND NEW.split IS NOT NULL;
"""

_COUNTED_ANEW = """
    CREATE TRIGGER items_counted_anew AFTER UPDATE OF split, content_hash, label, labels, adjudicated, erased_at,
            unreadable, flagged, known ON items
        WHEN (OLD.split, OLD.content_hash, OLD.label, OLD.labels, OLD.open, OLD.known)
            IS NOT (NEW.split, NEW.content_hash, NEW.label, NEW.labels, NEW.open, NEW.known) BEGIN
        UPDATE item_counts SET n = n - 1 WHERE split = OLD.split AND label = COALESCE(OLD.label, '')
            AND open = OLD.open AND known = OLD.known;
        INSERT INTO item_counts SELECT NEW.split, COALESCE(NEW.label, ''), NEW.open, NEW.known, 1
            WHERE NEW.split IS NOT NULL ON CONFLICT DO UPDATE SET n = n + 1;
        UPDATE open_counts SET n = n - 1
            WHERE OLD.open AND labels = OLD.labels AND prefix = substr(OLD.content_hash, 1, 3);
        INSERT INTO open_counts SELECT NEW.labels, substr(NEW.content_hash, 1, 3), 1 WHERE NEW.open
            ON CONFLICT DO UPDATE SET n = n + 1;
        {set_free}
        UPDATE asked_next SET waits = NEW.open AND NEW.labels = 0 WHERE item_id = NEW.id AND taken_back_at IS NULL;
        {further}
    END;
"""
_INCOMPLETE = "UPDATE appended SET complete = NULL WHERE split = NEW.split AND NEW.open AND NEW.labels = 0;"


# long: one script that creates what is kept and the triggers that keep it
@migrations()
def m047_counts_of_imports_and_groups(db: Database) -> None:
    _run_script(
        db,
        f"""
        -- Items that an import brought and that are still there, and those of them that people answered or decided.
        ALTER TABLE imports ADD COLUMN items INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE imports ADD COLUMN answered INTEGER NOT NULL DEFAULT 0;
        UPDATE imports SET items = n FROM (
            SELECT import_id, COUNT(*) AS n FROM items WHERE withdrawn IS NULL GROUP BY import_id
        ) brought WHERE brought.import_id = imports.id;
        UPDATE imports SET answered = n FROM (
            SELECT import_id, COUNT(*) AS n FROM items WHERE withdrawn IS NULL AND id IN (
                SELECT item_id FROM annotations WHERE {_BY_PEOPLE.format(row="annotations")}
                UNION SELECT item_id FROM adjudications WHERE request_id NOT GLOB 'import:*'
            ) GROUP BY import_id
        ) touched WHERE touched.import_id = imports.id;
        -- New items are counted by who stores them, many at once.
        CREATE TRIGGER items_of_imports AFTER UPDATE OF withdrawn, import_id ON items
            WHEN (OLD.import_id, OLD.withdrawn IS NULL) IS NOT (NEW.import_id, NEW.withdrawn IS NULL) BEGIN
            UPDATE imports SET items = items - 1, answered = answered - {_TOUCHED.format(item="NEW.id")}
                WHERE id = OLD.import_id AND OLD.withdrawn IS NULL;
            UPDATE imports SET items = items + 1, answered = answered + {_TOUCHED.format(item="NEW.id")}
                WHERE id = NEW.import_id AND NEW.withdrawn IS NULL;
        END;
        CREATE TRIGGER annotations_of_imports AFTER INSERT ON annotations
            WHEN {_BY_PEOPLE.format(row="NEW")} AND {_IS_FIRST} BEGIN {_ANSWERED} END;
        CREATE TRIGGER adjudications_of_imports AFTER INSERT ON adjudications
            WHEN NEW.request_id NOT GLOB 'import:*' AND {_IS_FIRST} BEGIN {_ANSWERED} END;

        -- The items with a split that have a group, and the number of their groups; one row.
        CREATE TABLE group_totals (items INTEGER NOT NULL, groups INTEGER NOT NULL);
        INSERT INTO group_totals SELECT COUNT(*), COUNT(DISTINCT of_group) FROM items INDEXED BY items_group
            WHERE of_group IS NOT NULL AND split IS NOT NULL;
        CREATE TRIGGER items_grouped AFTER INSERT ON items
            WHEN NEW.of_group IS NOT NULL AND NEW.split IS NOT NULL BEGIN {_JOINED}
        END;
        CREATE TRIGGER items_grouped_anew AFTER UPDATE OF split, of_group ON items
            WHEN (OLD.of_group, OLD.split IS NULL) IS NOT (NEW.of_group, NEW.split IS NULL) BEGIN
            UPDATE group_totals SET items = items - 1, groups = groups - NOT EXISTS (
                SELECT 1 FROM items WHERE of_group = OLD.of_group AND split IS NOT NULL AND id <> OLD.id
            ) WHERE OLD.of_group IS NOT NULL AND OLD.split IS NOT NULL;
            {_JOINED}
        END;

        DROP TRIGGER items_counted;
        DROP TRIGGER items_counted_anew;
        -- known: whether an import gave the label
        CREATE TABLE counts_by_import (
            split TEXT NOT NULL, label TEXT NOT NULL, open INTEGER NOT NULL, known INTEGER NOT NULL,
            n INTEGER NOT NULL, PRIMARY KEY (split, label, open, known)
        ) WITHOUT ROWID;
        INSERT INTO counts_by_import SELECT split, COALESCE(label, ''), open, known, COUNT(*) FROM items
            WHERE split IS NOT NULL GROUP BY 1, 2, 3, 4;
        DROP TABLE item_counts;
        ALTER TABLE counts_by_import RENAME TO item_counts;

        -- complete: the round whose ranking has all open items of the split without a label; NULL: it may lack some.
        -- item_id: NULL: nothing was appended yet
        CREATE TABLE appended_before AS SELECT * FROM appended;
        DROP TABLE appended;
        CREATE TABLE appended (
            split TEXT PRIMARY KEY, item_id INTEGER REFERENCES items (id), complete INTEGER
        ) WITHOUT ROWID;
        INSERT INTO appended SELECT split, item_id, NULL FROM appended_before;
        DROP TABLE appended_before;

        CREATE TRIGGER items_counted AFTER INSERT ON items WHEN NEW.split IS NOT NULL BEGIN
            INSERT INTO item_counts VALUES (NEW.split, COALESCE(NEW.label, ''), NEW.open, NEW.known, 1)
                ON CONFLICT DO UPDATE SET n = n + 1;
            INSERT INTO open_counts SELECT NEW.labels, substr(NEW.content_hash, 1, 3), 1 WHERE NEW.open
                ON CONFLICT DO UPDATE SET n = n + 1;
        END;
        {_COUNTED_ANEW.format(set_free=_set_free("NEW.id"), further=_INCOMPLETE)}
        """,
    )


@migrations()
def m048_feed_looks(db: Database) -> None:
    _run_script(
        db,
        """
        -- How a feed of the web goes on from its cursor, as JSON: from which value, and at which page.
        ALTER TABLE feeds ADD COLUMN resume TEXT;
        -- The latest looks at feeds; `ended_at` NULL: it is at work, or was cut off.
        CREATE TABLE feed_looks (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            feed TEXT NOT NULL,
            began_at TEXT NOT NULL,
            ended_at TEXT,
            step TEXT NOT NULL DEFAULT '',  -- of one at work, with the numbers of what was done, of all, and of bytes
            done INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,  -- 0: not known
            bytes INTEGER NOT NULL DEFAULT 0,
            added INTEGER NOT NULL DEFAULT 0,
            refused INTEGER NOT NULL DEFAULT 0,
            problem TEXT
        );
        CREATE INDEX feed_looks_feed ON feed_looks (feed, id);
        """,
    )


def new_holdout_seed() -> int:
    """What the holdout of a new project is drawn by: nobody who knows the items can work out which are in it."""
    return secrets.randbits(62)


@migrations()
def m049_holdout_seed(db: Database) -> None:
    _run_script(db, "ALTER TABLE project ADD COLUMN holdout_seed INTEGER;")
    # Where items are drawn already, all go on by the seed that all projects shared.
    is_drawn = db.execute("SELECT EXISTS (SELECT 1 FROM items)").fetchone()[0]
    db.execute("UPDATE project SET holdout_seed = ?", [20_201_122 if is_drawn else new_holdout_seed()])


@migrations()
def m050_holders(db: Database) -> None:
    count = "UPDATE items SET holders = (SELECT MIN(COUNT(*), 9) FROM reservations WHERE item_id = items.id) WHERE id"
    _run_script(
        db,
        f"""
        -- How many people hold it; 9: so many or more. Items that nobody holds, or few, are found by an index.
        ALTER TABLE items ADD COLUMN holders INTEGER NOT NULL DEFAULT 0;
        {count} IN (SELECT item_id FROM reservations);
        DROP INDEX items_open;
        CREATE INDEX items_open ON items (labels, holders, split, content_hash) WHERE open;
        CREATE INDEX reservations_ending ON reservations (expires_at);
        DROP TRIGGER reservations_made;
        DROP TRIGGER reservations_ended;
        CREATE TRIGGER reservations_made AFTER INSERT ON reservations BEGIN
            {count} = NEW.item_id; {_set_free("NEW.item_id")}
        END;
        CREATE TRIGGER reservations_ended AFTER DELETE ON reservations BEGIN
            {count} = OLD.item_id; {_set_free("OLD.item_id")}
        END;
        -- Whether a ranking has all items need not be remembered any more.
        DROP TRIGGER items_counted_anew;
        {_COUNTED_ANEW.format(set_free=_set_free("NEW.id"), further="")}
        ALTER TABLE appended DROP COLUMN complete;
        """,
    )


@migrations()
def m051_reachable(db: Database) -> None:
    # the pool labels that there could be in all when the round ended, NULL where that is not known; pages read it from
    # the index, see m028
    db.execute("ALTER TABLE rounds ADD COLUMN reachable INTEGER")
    db.execute("DROP INDEX rounds_figures")
    db.execute(f"CREATE INDEX rounds_figures ON rounds (number, {_FIGURES}, left_out, holdout_later, reachable)")


@migrations()
def m052_undoing_imports(db: Database) -> None:
    _run_script(
        db,
        """
        ALTER TABLE imports ADD COLUMN undoing INTEGER NOT NULL DEFAULT 0;  -- whether items are still to be taken out
        ALTER TABLE imports ADD COLUMN taken_out INTEGER NOT NULL DEFAULT 0;  -- items, by its undoing
        CREATE INDEX imports_undoing ON imports (id) WHERE undoing;
        """,
    )


# Whether another item of a group has a side, as an index finds it.
_HAS_OTHERS = """EXISTS (
    SELECT 1 FROM items WHERE of_group = {row}.of_group AND split IN ('pool', 'holdout') AND id <> {row}.id
)"""
_COUNT_JOINED = f"""
    UPDATE group_totals SET items = items + 1, groups = groups + NOT {_HAS_OTHERS.format(row="NEW")}
        WHERE NEW.of_group IS NOT NULL AND NEW.split IS NOT NULL;
"""


@migrations()
def m053_sides_of_groups(db: Database) -> None:
    _run_script(
        db,
        f"""
        -- Whether a group has an item with a side is found without a look at its other items.
        DROP INDEX items_group;
        CREATE INDEX items_group ON items (of_group, split) WHERE of_group IS NOT NULL;
        DROP TRIGGER items_grouped;
        DROP TRIGGER items_grouped_anew;
        CREATE TRIGGER items_grouped AFTER INSERT ON items
            WHEN NEW.of_group IS NOT NULL AND NEW.split IS NOT NULL BEGIN {_COUNT_JOINED} END;
        CREATE TRIGGER items_grouped_anew AFTER UPDATE OF split, of_group ON items
            WHEN (OLD.of_group, OLD.split IS NULL) IS NOT (NEW.of_group, NEW.split IS NULL) BEGIN
            UPDATE group_totals SET items = items - 1, groups = groups - NOT {_HAS_OTHERS.format(row="OLD")}
                WHERE OLD.of_group IS NOT NULL AND OLD.split IS NOT NULL;
            {_COUNT_JOINED}
        END;
        """,
    )
