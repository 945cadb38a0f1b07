-- The part of PostgreSQL's catalogue that clients look at. Column types are PostgreSQL's; "_text" keeps text text.
CREATE TABLE pg_catalog.pg_namespace (oid oid, nspname name_text, nspowner oid, nspacl text);
CREATE TABLE pg_catalog.pg_class (
    oid oid, relname name_text, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam oid, relfilenode oid,
    reltablespace oid, relpages int4, reltuples float4, relallvisible int4, reltoastrelid oid, relhasindex bool,
    relisshared bool, relpersistence char_text, relkind char_text, relnatts int2, relchecks int2, relhasrules bool,
    relhastriggers bool, relhassubclass bool, relrowsecurity bool, relforcerowsecurity bool, relispopulated bool,
    relreplident char_text, relispartition bool, relrewrite oid, relhasoids bool, relacl text, reloptions text,
    relpartbound text);
CREATE TABLE pg_catalog.pg_attribute (
    attrelid oid, attname name_text, atttypid oid, attstattarget int4, attlen int2, attnum int2, attndims int4,
    attcacheoff int4, atttypmod int4, attbyval bool, attalign char_text, attstorage char_text,
    attcompression char_text, attnotnull bool, atthasdef bool, atthasmissing bool, attidentity char_text,
    attgenerated char_text, attisdropped bool, attislocal bool, attinhcount int4, attcollation oid, attacl text,
    attoptions text, attfdwoptions text);
CREATE TABLE pg_catalog.pg_type (
    oid oid, typname name_text, typnamespace oid, typowner oid, typlen int2, typbyval bool, typtype char_text,
    typcategory char_text, typispreferred bool, typisdefined bool, typdelim char_text, typrelid oid, typsubscript text,
    typelem oid, typarray oid, typinput text, typoutput text, typreceive text, typsend text, typmodin text,
    typmodout text, typanalyze text, typalign char_text, typstorage char_text, typnotnull bool, typbasetype oid,
    typtypmod int4, typndims int4, typcollation oid, typdefault text, typacl text);
CREATE TABLE pg_catalog.pg_description (objoid oid, classoid oid, objsubid int4, description text);
CREATE TABLE pg_catalog.pg_shdescription (objoid oid, classoid oid, description text);
CREATE TABLE pg_catalog.pg_database (
    oid oid, datname name_text, datdba oid, encoding int4, datlocprovider char_text, datistemplate bool,
    datallowconn bool, datconnlimit int4, datlastsysoid oid, datfrozenxid int8, datminmxid int8, dattablespace oid,
    datcollate text, datctype text, daticulocale text, datcollversion text, datacl text);
CREATE TABLE pg_catalog.pg_settings (
    name text, setting text, unit text, category text, short_desc text, extra_desc text, context text, vartype text,
    source text, min_val text, max_val text, enumvals text, boot_val text, reset_val text, sourcefile text,
    sourceline int4, pending_restart bool);
CREATE TABLE pg_catalog.pg_roles (
    oid oid, rolname name_text, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool,
    rolreplication bool, rolconnlimit int4, rolpassword text, rolvaliduntil text, rolbypassrls bool, rolconfig text);
CREATE TABLE pg_catalog.pg_user (usename name_text, usesysid oid, usecreatedb bool, usesuper bool, userepl bool,
    usebypassrls bool, passwd text, valuntil text, useconfig text);
CREATE TABLE pg_catalog.pg_tables (schemaname name_text, tablename name_text, tableowner name_text, tablespace name_text,
    hasindexes bool, hasrules bool, hastriggers bool, rowsecurity bool);
CREATE TABLE pg_catalog.pg_collation (oid oid, collname name_text, collnamespace oid, collowner oid,
    collprovider char_text, collisdeterministic bool, collencoding int4, collcollate text, collctype text);
CREATE TABLE pg_catalog.pg_am (oid oid, amname name_text, amhandler text, amtype char_text);
CREATE TABLE pg_catalog.pg_tablespace (oid oid, spcname name_text, spcowner oid, spcacl text, spcoptions text);
CREATE TABLE pg_catalog.pg_language (oid oid, lanname name_text, lanowner oid, lanispl bool, lanpltrusted bool);

-- What there is none of, but is asked for.
CREATE TABLE pg_catalog.pg_attrdef (oid oid, adrelid oid, adnum int2, adbin text);
CREATE TABLE pg_catalog.pg_auth_members (roleid oid, member oid, grantor oid, admin_option bool);
CREATE TABLE pg_catalog.pg_cast (oid oid, castsource oid, casttarget oid, castfunc oid, castcontext char_text, castmethod char_text);
CREATE TABLE pg_catalog.pg_constraint (
    oid oid, conname name_text, connamespace oid, contype char_text, condeferrable bool, condeferred bool,
    convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid, confupdtype char_text,
    confdeltype char_text, confmatchtype char_text, conislocal bool, coninhcount int4, connoinherit bool, conkey text,
    confkey text, conpfeqop text, conexclop text, conbin text);
CREATE TABLE pg_catalog.pg_depend (classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, refobjsubid int4, deptype char_text);
CREATE TABLE pg_catalog.pg_enum (oid oid, enumtypid oid, enumsortorder float4, enumlabel name_text);
CREATE TABLE pg_catalog.pg_event_trigger (oid oid, evtname name_text, evtevent name_text, evtowner oid, evtfoid oid, evtenabled char_text, evttags text);
CREATE TABLE pg_catalog.pg_extension (oid oid, extname name_text, extowner oid, extnamespace oid, extrelocatable bool, extversion text, extconfig text, extcondition text);
CREATE TABLE pg_catalog.pg_foreign_data_wrapper (oid oid, fdwname name_text, fdwowner oid, fdwhandler oid, fdwvalidator oid, fdwacl text, fdwoptions text);
CREATE TABLE pg_catalog.pg_foreign_server (oid oid, srvname name_text, srvowner oid, srvfdw oid, srvtype text, srvversion text, srvacl text, srvoptions text);
CREATE TABLE pg_catalog.pg_foreign_table (ftrelid oid, ftserver oid, ftoptions text);
CREATE TABLE pg_catalog.pg_index (
    indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, indisprimary bool,
    indisexclusion bool, indimmediate bool, indisclustered bool, indisvalid bool, indcheckxmin bool, indisready bool,
    indislive bool, indisreplident bool, indkey text, indcollation text, indclass text, indoption text, indexprs text,
    indpred text);
CREATE TABLE pg_catalog.pg_inherits (inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool);
CREATE TABLE pg_catalog.pg_matviews (schemaname name_text, matviewname name_text, matviewowner name_text, definition text);
CREATE TABLE pg_catalog.pg_operator (oid oid, oprname name_text, oprnamespace oid, oprleft oid, oprright oid, oprresult oid);
CREATE TABLE pg_catalog.pg_partitioned_table (partrelid oid, partstrat char_text, partnatts int2, partdefid oid, partattrs text);
CREATE TABLE pg_catalog.pg_policy (oid oid, polname name_text, polrelid oid, polcmd char_text, polpermissive bool, polroles text, polqual text, polwithcheck text);
CREATE TABLE pg_catalog.pg_proc (
    oid oid, proname name_text, pronamespace oid, proowner oid, prolang oid, prokind char_text, provolatile char_text,
    proparallel char_text, prosecdef bool, proretset bool, prorettype oid, proargtypes text, proallargtypes text,
    proargmodes text, proargnames text, pronargs int2, prosrc text, proacl text, probin text);
CREATE TABLE pg_catalog.pg_publication (oid oid, pubname name_text, pubowner oid, puballtables bool);
CREATE TABLE pg_catalog.pg_publication_namespace (oid oid, pnpubid oid, pnnspid oid);
CREATE TABLE pg_catalog.pg_publication_rel (oid oid, prpubid oid, prrelid oid, prqual text, prattrs text);
CREATE TABLE pg_catalog.pg_range (rngtypid oid, rngsubtype oid, rngcollation oid);
CREATE TABLE pg_catalog.pg_rewrite (oid oid, rulename name_text, ev_class oid, ev_type char_text, ev_enabled char_text, is_instead bool);
CREATE TABLE pg_catalog.pg_seclabels (objoid oid, classoid oid, objsubid int4, provider text, label text);
CREATE TABLE pg_catalog.pg_sequence (seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, seqmin int8, seqcache int8, seqcycle bool);
CREATE TABLE pg_catalog.pg_stat_activity (datid oid, datname name_text, pid int4, usename name_text, application_name text, state text, query text);
CREATE TABLE pg_catalog.pg_stat_user_tables (relid oid, schemaname name_text, relname name_text, n_live_tup int8);
CREATE TABLE pg_catalog.pg_statistic_ext (oid oid, stxrelid oid, stxname name_text, stxnamespace oid, stxkind text, stxstattarget int4);
CREATE TABLE pg_catalog.pg_subscription (oid oid, subname name_text, subdbid oid, subowner oid, subenabled bool);
CREATE TABLE pg_catalog.pg_trigger (oid oid, tgrelid oid, tgname name_text, tgenabled char_text, tgisinternal bool, tgconstraint oid, tgparentid oid, tgtype int2, tgfoid oid);
CREATE TABLE pg_catalog.pg_ts_config (oid oid, cfgname name_text, cfgnamespace oid);
CREATE TABLE pg_catalog.pg_views (schemaname name_text, viewname name_text, viewowner name_text, definition text);

INSERT INTO pg_catalog.pg_namespace VALUES (11, 'pg_catalog', 10, NULL), (13000, 'information_schema', 10, NULL), (2200, 'public', 10, NULL);
INSERT INTO pg_catalog.pg_database VALUES (16384, 'hufu', 10, 6, 'c', 0, 1, -1, 16383, 0, 0, 1663, 'C', 'C.UTF-8', NULL, NULL, NULL);
INSERT INTO pg_catalog.pg_collation VALUES (100, 'default', 11, 10, 'd', 1, -1, NULL, NULL), (950, 'C', 11, 10, 'c', 1, -1, 'C', 'C');
INSERT INTO pg_catalog.pg_am VALUES (2, 'heap', '-', 't');
INSERT INTO pg_catalog.pg_tablespace VALUES (1663, 'pg_default', 10, NULL, NULL);
INSERT INTO pg_catalog.pg_language VALUES (14, 'sql', 10, 0, 1);
