DELETE FROM data_sources
WHERE (source_id, source_name, source_type, priority, is_primary, refresh_frequency, created_at, updated_at) IN (
    ('iqvia_apld', 'IQVIA APLD', 'claims', 1, true, 'weekly', '2026-01-01 00:00:00+00:00'::timestamptz, '2026-01-01 00:00:00+00:00'::timestamptz),
    ('iqvia_laad', 'IQVIA LAAD', 'lab', 2, true, 'biweekly', '2026-01-01 00:00:00+00:00'::timestamptz, '2026-01-01 00:00:00+00:00'::timestamptz),
    ('healthverity', 'HealthVerity', 'claims', 3, false, 'weekly', '2026-01-01 00:00:00+00:00'::timestamptz, '2026-01-01 00:00:00+00:00'::timestamptz),
    ('komodo', 'Komodo Health', 'emr', 4, true, 'monthly', '2026-01-01 00:00:00+00:00'::timestamptz, '2026-01-01 00:00:00+00:00'::timestamptz),
    ('veeva_oce', 'Veeva OCE', 'crm', 5, true, 'daily', '2026-01-01 00:00:00+00:00'::timestamptz, '2026-01-01 00:00:00+00:00'::timestamptz),
    ('specialty_pharmacy', 'Specialty pharmacy', 'specialty', 6, true, 'weekly', '2026-01-01 00:00:00+00:00'::timestamptz, '2026-01-01 00:00:00+00:00'::timestamptz),
    ('internal_registry', 'Internal registry', 'registry', 10, false, 'realtime', '2026-01-01 00:00:00+00:00'::timestamptz, '2026-01-01 00:00:00+00:00'::timestamptz)
);
