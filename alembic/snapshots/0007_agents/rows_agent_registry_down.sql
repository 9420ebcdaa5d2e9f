DELETE FROM agent_registry
WHERE (id, agent_name, tier, intents, description, is_active, created_at, priority_order) IN (
    ('c8162f77462754268764dc997d8538bf'::uuid, 'orchestrator', 1, '{*}', 'Takes every question that no other agent handles, and puts the answers of several agents together.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 1),
    ('eea14591df5e518aa46deae56407af6b'::uuid, 'causal_impact', 2, '{CAUSAL,WHAT_IF}', 'Estimates what caused a change, and what a change would cause.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 10),
    ('4ed88321a59650469ce66346f54cceb3'::uuid, 'gap_analyzer', 2, '{COMPARATIVE,EXPLORATORY}', 'Compares segments and periods, and finds where results fall short of what is possible.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 11),
    ('c908364578ae5581a0519bcc92a0b599'::uuid, 'heterogeneous_optimizer', 2, '{SEGMENT,PERSONALIZE,OPTIMIZE,UPLIFT}', 'Finds for whom an action works best, from effects that differ between segments.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 12),
    ('5a06264f15835fa49756ae93e32a69e6'::uuid, 'drift_monitor', 3, '{DRIFT,CHANGE,DEGRADE,ALERT}', 'Watches data and models, and warns when either moves away from what was learnt.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 20),
    ('d11270659a4a5a308115f0646598762b'::uuid, 'experiment_designer', 3, '{EXPERIMENT,TEST,AB_TEST,VALIDATE}', 'Designs experiments that can answer a question, and says how large they must be.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 21),
    ('f62bccf490465135bb8d8e33261696d8'::uuid, 'health_score', 3, '{HEALTH,STATUS,SCORE,MONITOR}', 'Reports the health of the system and its parts as one comparable score.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 22),
    ('e88beb663ece5ca1b38860131a429754'::uuid, 'prediction_synthesizer', 4, '{PREDICT,FORECAST,MODEL,ENSEMBLE}', 'Combines the predictions of several models into one, with its uncertainty.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 30),
    ('b1aaefdacb215a179025b2de89af28bd'::uuid, 'resource_optimizer', 4, '{RESOURCE,ALLOCATE,BUDGET,OPTIMIZE}', 'Allocates budgets and people to where they achieve most.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 31),
    ('6df256a4e71e582e99d6b4909d876b29'::uuid, 'explainer', 5, '{EXPLAIN,DESCRIBE,SUMMARIZE,NARRATIVE}', 'Tells what was found and why, in the words of the person who asks.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 40),
    ('d3eb8ef0e6185ae5bf938ff5ec738195'::uuid, 'feedback_learner', 5, '{LEARN,IMPROVE,FEEDBACK,OPTIMIZE_PROMPT}', 'Learns from outcomes and feedback, and improves the prompts of the other agents.', true, '2026-01-01 00:00:00+00:00'::timestamptz, 41)
);
