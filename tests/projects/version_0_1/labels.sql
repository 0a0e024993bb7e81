BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'labeler','m001_cycle','2026-11-26 17:53:00.741831+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'labeler','m002_comparisons','2026-11-26 17:53:00.789671+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'labeler','m003_calibration','2026-11-26 17:53:00.790640+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'labeler','m004_training','2026-11-26 17:53:00.791358+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'labeler','m005_tuning','2026-11-26 17:53:00.842858+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'labeler','m006_adaptations','2026-11-26 17:53:00.845213+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'labeler','m007_desk','2026-11-26 17:53:00.975597+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'labeler','m008_explanations','2026-11-26 17:53:01.028582+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'labeler','m009_several_classes','2026-11-26 17:53:01.057523+00:00');
INSERT INTO "_sqlite_migrations" VALUES(10,'labeler','m010_lead','2026-11-26 17:53:01.376481+00:00');
CREATE TABLE adaptations (
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
            supersedes INTEGER UNIQUE REFERENCES annotations (id), unsure INTEGER NOT NULL DEFAULT 0, note TEXT, reveal TEXT NOT NULL DEFAULT 'never'
            CHECK (reveal IN ('never', 'after', 'before')),
            CHECK ((action = 'label') = (label IS NOT NULL))
        );
INSERT INTO "annotations" VALUES(1,'import:1',1,'import','label','bad',NULL,NULL,NULL,'2026-11-26T17:53:01.532+00:00',NULL,0,NULL,'never');
INSERT INTO "annotations" VALUES(2,'import:2',2,'import','label','good',NULL,NULL,NULL,'2026-11-26T17:53:01.532+00:00',NULL,0,NULL,'never');
INSERT INTO "annotations" VALUES(3,'import:3',3,'import','label','bad',NULL,NULL,NULL,'2026-11-26T17:53:01.532+00:00',NULL,0,NULL,'never');
INSERT INTO "annotations" VALUES(4,'r1',6,'kim','label','good',1,2.5,'tab-1','2026-11-26T17:53:01.797+00:00',NULL,0,NULL,'never');
INSERT INTO "annotations" VALUES(5,'r2',5,'kim','skip',NULL,2,1.0,'tab-1','2026-11-26T17:53:01.798+00:00',NULL,0,NULL,'never');
CREATE TABLE annotators (
            name TEXT PRIMARY KEY,
            joined_at TEXT NOT NULL,
            role TEXT NOT NULL DEFAULT '',
            groups TEXT NOT NULL DEFAULT '[]',  -- JSON: of classes
            paused INTEGER NOT NULL DEFAULT 0,
            guidelines TEXT NOT NULL DEFAULT '',  -- digest of those seen last
            qualified INTEGER,  -- the lead's word; NULL: by the qualification items
            waiting_since REAL  -- without an item while others hold some
        , rate REAL);
INSERT INTO "annotators" VALUES('kim','2026-11-26T17:53:01.696+00:00','','[]',0,'',NULL,NULL,NULL);
CREATE TABLE audits (
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
CREATE TABLE forecasts (
            round INTEGER NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('holdout', 'stop')),
            items BLOB NOT NULL,  -- (n,) int64 ids
            proba BLOB NOT NULL,  -- (n, C) float32
            PRIMARY KEY (round, kind)
        );
CREATE TABLE items (
            id INTEGER PRIMARY KEY,
            content_hash TEXT NOT NULL UNIQUE,
            split TEXT CHECK (split IN ('pool', 'holdout')),  -- NULL until the holdout is drawn
            text TEXT,
            media TEXT,
            source TEXT NOT NULL,
            metadata TEXT NOT NULL DEFAULT '{}',
            added_at TEXT NOT NULL, labels INTEGER NOT NULL DEFAULT 0, label TEXT, adjudicated TEXT, wanted INTEGER NOT NULL DEFAULT 0, cleared INTEGER NOT NULL DEFAULT 0, drawn INTEGER NOT NULL DEFAULT 0,
            CHECK ((text IS NULL) <> (media IS NULL))
        );
INSERT INTO "items" VALUES(1,'a44650317923ada1206d38856e416fed','holdout','review 0 is poor',NULL,'t.csv row 2','{"site": "A"}','2026-11-26T17:53:01.532+00:00',1,'bad',NULL,0,0,1);
INSERT INTO "items" VALUES(2,'2c68618a38b78dc862be92a17e0397b8','holdout','review 1 is fine',NULL,'t.csv row 3','{"site": "B"}','2026-11-26T17:53:01.532+00:00',1,'good',NULL,0,0,1);
INSERT INTO "items" VALUES(3,'3b8cb7325c56d88494b66f7a6751edcd','pool','review 2 is poor',NULL,'t.csv row 4','{"site": "A"}','2026-11-26T17:53:01.532+00:00',1,'bad',NULL,0,0,0);
INSERT INTO "items" VALUES(4,'5d10d64ded8283391da36373144b483f','pool','review 3 is fine',NULL,'t.csv row 5','{"site": "B"}','2026-11-26T17:53:01.532+00:00',0,NULL,NULL,0,0,0);
INSERT INTO "items" VALUES(5,'1f18032a38b1d99eb03f20d5261fc755','pool','review 4 is poor',NULL,'t.csv row 6','{"site": "A"}','2026-11-26T17:53:01.532+00:00',0,NULL,NULL,0,0,0);
INSERT INTO "items" VALUES(6,'1714f6b24f6a09da2f2c62be1179894d','pool','review 5 is fine',NULL,'t.csv row 7','{"site": "B"}','2026-11-26T17:53:01.532+00:00',1,'good',NULL,0,0,0);
INSERT INTO "items" VALUES(7,'977ea0ee2e00d064e62bc703989d1d01','pool','review 6 is poor',NULL,'t.csv row 8','{"site": "A"}','2026-11-26T17:53:01.532+00:00',0,NULL,NULL,0,0,0);
INSERT INTO "items" VALUES(8,'4481fbd52c714d9207b7e8b574d9a224','pool','review 7 is fine',NULL,'t.csv row 9','{"site": "B"}','2026-11-26T17:53:01.532+00:00',0,NULL,NULL,0,0,0);
INSERT INTO "items" VALUES(9,'a9c493a39534c0f20149ea127e16c963','pool','review 8 is poor',NULL,'t.csv row 10','{"site": "A"}','2026-11-26T17:53:01.532+00:00',0,NULL,NULL,0,0,0);
INSERT INTO "items" VALUES(10,'cc7bb6bb101dd96fc78ff46d43c7f6f7','pool','review 9 is fine',NULL,'t.csv row 11','{"site": "B"}','2026-11-26T17:53:01.532+00:00',0,NULL,NULL,0,0,0);
INSERT INTO "items" VALUES(11,'f7ac9c507406c6e528b34e087968e027','pool','review 10 is poor',NULL,'t.csv row 12','{"site": "A"}','2026-11-26T17:53:01.532+00:00',0,NULL,NULL,0,0,0);
INSERT INTO "items" VALUES(12,'4cc6fee9ea2e5a48d05a2ba067ea8fc9','pool','review 11 is fine',NULL,'t.csv row 13','{"site": "B"}','2026-11-26T17:53:01.532+00:00',0,NULL,NULL,0,0,0);
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
INSERT INTO "jobs" VALUES(1,'import','queued',1,0,0,0,'',NULL,'2026-11-26T17:53:01.616+00:00',NULL,NULL);
CREATE TABLE qualification (item_id INTEGER PRIMARY KEY REFERENCES items (id));
CREATE TABLE queries (
            id INTEGER PRIMARY KEY,
            round INTEGER NOT NULL,  -- 0: asked before the first ranking was ready
            rank INTEGER NOT NULL,
            item_id INTEGER NOT NULL REFERENCES items (id),
            strategy TEXT NOT NULL,
            score REAL, predicted TEXT, confidence REAL,
            UNIQUE (round, rank),
            UNIQUE (round, item_id)
        );
INSERT INTO "queries" VALUES(1,0,1,6,'random',NULL,NULL,NULL);
INSERT INTO "queries" VALUES(2,0,2,5,'random',NULL,NULL,NULL);
INSERT INTO "queries" VALUES(3,0,3,8,'random',NULL,NULL,NULL);
CREATE TABLE reservations (
            item_id INTEGER NOT NULL REFERENCES items (id),
            annotator TEXT NOT NULL,
            tab TEXT NOT NULL,
            query_id INTEGER REFERENCES queries (id),
            expires_at REAL NOT NULL,
            PRIMARY KEY (item_id, annotator)
        );
INSERT INTO "reservations" VALUES(8,'kim','tab-1',3,1.7957156416959791183e+09);
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
        , calibration_error REAL, training TEXT, micro_f1 REAL, agreement REAL, uncertainty REAL);
CREATE TABLE stops (
            id INTEGER PRIMARY KEY,
            by TEXT NOT NULL,
            reason TEXT NOT NULL DEFAULT '',
            at TEXT NOT NULL,
            lifted_by TEXT,
            lifted_at TEXT
        );
CREATE TABLE tally (annotator TEXT PRIMARY KEY, labels INTEGER NOT NULL);
INSERT INTO "tally" VALUES('import',3);
INSERT INTO "tally" VALUES('kim',1);
CREATE TABLE testing (
            position INTEGER PRIMARY KEY,
            item_id INTEGER NOT NULL UNIQUE REFERENCES items (id),
            q REAL NOT NULL,  -- the probability with which it was drawn among those that remained
            remaining INTEGER NOT NULL,  -- how many those were
            round INTEGER NOT NULL
        );
CREATE TABLE tunings (
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
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX items_split ON items (split, content_hash);
CREATE INDEX queries_item ON queries (item_id, round);
CREATE INDEX annotations_item ON annotations (item_id, annotator);
CREATE INDEX annotations_annotator ON annotations (annotator, id);
CREATE TRIGGER annotations_keep_rows BEFORE DELETE ON annotations
            BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
CREATE TRIGGER annotations_keep_values BEFORE UPDATE ON annotations
            BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
CREATE VIEW answers AS
            SELECT a.* FROM annotations a
            WHERE a.action <> 'undo' AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.supersedes = a.id);
CREATE INDEX reservations_tab ON reservations (annotator, tab);
CREATE UNIQUE INDEX jobs_one_queued ON jobs (state) WHERE state = 'queued';
CREATE INDEX items_labeled ON items (split) WHERE labels > 0;
CREATE TRIGGER annotations_tally AFTER INSERT ON annotations BEGIN
            UPDATE items SET labels = labels + (NEW.action = 'label')
                - (SELECT COUNT(*) FROM annotations WHERE id = NEW.supersedes AND action = 'label')
                WHERE id = NEW.item_id;
            INSERT INTO tally (annotator, labels) VALUES (NEW.annotator, 0) ON CONFLICT DO NOTHING;
            UPDATE tally SET labels = labels + (NEW.action = 'label')
                - (SELECT COUNT(*) FROM annotations WHERE id = NEW.supersedes AND action = 'label')
                WHERE annotator = NEW.annotator;
        END;
CREATE INDEX explanations_waiting ON explanations (state) WHERE state IN ('queued', 'running');
CREATE INDEX adjudications_item ON adjudications (item_id, id);
CREATE TRIGGER adjudications_keep_rows BEFORE DELETE ON adjudications
            BEGIN SELECT RAISE(ABORT, 'adjudications are append-only'); END;
CREATE TRIGGER adjudications_keep_values BEFORE UPDATE ON adjudications
            BEGIN SELECT RAISE(ABORT, 'adjudications are append-only'); END;
CREATE VIEW adjudged AS
            SELECT a.* FROM adjudications a
            WHERE a.action <> 'undo' AND NOT EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = a.id)
              AND NOT EXISTS (
                  SELECT 1 FROM adjudications b WHERE b.item_id = a.item_id AND b.id > a.id AND b.action <> 'undo'
                  AND NOT EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = b.id)
              );
CREATE VIEW labels AS SELECT id AS item_id, label FROM items WHERE label IS NOT NULL;
CREATE INDEX items_label ON items (split, label) WHERE label IS NOT NULL;
CREATE INDEX items_shared ON items (id) WHERE labels > 1;
CREATE INDEX annotations_doubt ON annotations (item_id) WHERE unsure OR action = 'flag';
CREATE INDEX items_wanted ON items (id) WHERE wanted > labels;
CREATE TRIGGER annotations_decide AFTER INSERT ON annotations BEGIN 
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
 END;
CREATE TRIGGER adjudications_decide AFTER INSERT ON adjudications BEGIN 
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
 END;
CREATE TRIGGER qualification_decide AFTER INSERT ON qualification BEGIN 
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
 END;
COMMIT;
