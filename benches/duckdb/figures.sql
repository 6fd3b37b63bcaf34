-- The figures by agent of a range [$from, $to), as docs/metrics.md defines them, from a relation `events`: closed, first_response_time, response_time, handling_time, resolution_time.
--
-- Written for the stream of the simulated desk. Left out, because that stream has none of it: repeats, endings that don't say by whom, conversations without `opened`, a customer's message at the very moment of
-- a closing, assignments that leave `agent` out or come while a conversation is ended, statuses after a merge, and a
-- first answer of an outbound conversation that comes only after an ending. Ties go by what they are, which in that
-- stream is the order in which they were told; a number for each line would keep the file from being read in parallel.
WITH
-- What the figures depend on, of conversations of which anything was told in the range.
told AS (
  SELECT conversation, "at", type, agent, "by", direction,
    type = 'message' AND "from" = 'customer' AS is_asked,
    type = 'message' AND "from" = 'agent' AS is_reply,
    type = 'status' AND status IN ('resolved', 'closed') AS is_ended,
    type = 'status' AND status NOT IN ('resolved', 'closed') AS is_active,
    CASE type
      WHEN 'opened' THEN 0
      WHEN 'assigned' THEN 3
      WHEN 'message' THEN CASE "from" WHEN 'customer' THEN 2 ELSE 4 END
      ELSE CASE status WHEN 'open' THEN 1 ELSE 5 END
    END::TINYINT AS place
  FROM events
  WHERE "at" < $to
    AND conversation IN (SELECT conversation FROM events WHERE "at" >= $from AND "at" < $to)
    AND (
      type IN ('opened', 'assigned', 'status')
      OR (type = 'message' AND "from" <> 'bot' AND public IS DISTINCT FROM false)
    )
),
-- A part of a conversation reaches from after a reset up to the next one, which belongs to it.
numbered AS (
  SELECT *,
    count(*) FILTER (is_reply OR is_ended) OVER before AS part,
    last_value(CASE WHEN type = 'assigned' THEN coalesce(agent, '') END IGNORE NULLS) OVER before AS held
  FROM told
  WINDOW before AS (PARTITION BY conversation ORDER BY "at", place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
parts AS (
  SELECT conversation, part,
    min("at") FILTER (type = 'opened') AS opened_at,
    any_value(direction) AS direction,
    min("at") FILTER (is_asked) AS asked_at,
    bool_or(is_asked OR is_active) AS is_active,
    max("at") FILTER (is_reply) AS replied_at,
    max("at") FILTER (is_ended) AS ended_at,
    any_value(agent) FILTER (is_reply OR is_ended) AS agent,
    any_value("by") FILTER (is_ended) AS "by",
    arg_max(coalesce(agent, ''), "at") FILTER (type = 'assigned') AS holder,
    max("at") FILTER (type = 'assigned' AND coalesce(agent, '') IS DISTINCT FROM held) AS handed_at
  FROM numbered
  GROUP BY conversation, part
),
chained AS (
  SELECT *,
    min(opened_at) OVER whole AS started_at,
    first_value(direction IGNORE NULLS) OVER whole AS way,
    nullif(last_value(holder IGNORE NULLS) OVER so_far, '') AS held_by,
    lag(ended_at) OVER whole IS NOT NULL AS was_ended
  FROM parts
  WINDOW whole AS (PARTITION BY conversation ORDER BY part ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
    so_far AS (PARTITION BY conversation ORDER BY part ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
lived AS (
  SELECT *,
    -- An ending is a change from active.
    ended_at IS NOT NULL AND (is_active OR NOT was_ended) AS is_ending,
    min(part) FILTER (replied_at IS NOT NULL AND (way IS DISTINCT FROM 'outbound' OR asked_at IS NOT NULL)) OVER whole
      AS first_answer,
    max(part) FILTER (is_active) OVER whole AS last_active,
    max(part) FILTER (ended_at IS NOT NULL AND ended_at >= $from AND (is_active OR NOT was_ended)) OVER whole
      AS last_ending,
    last_value(coalesce(handed_at, CASE WHEN was_ended THEN asked_at END) IGNORE NULLS) OVER so_far AS received_at,
    min(asked_at) OVER whole AS first_asked_at
  FROM chained
  WINDOW whole AS (PARTITION BY conversation ORDER BY part ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING),
    so_far AS (PARTITION BY conversation ORDER BY part ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
moments AS (
  SELECT
    coalesce(agent, held_by) AS agent,
    is_ending AND "by" = 'agent' AS is_closed,
    CASE WHEN replied_at IS NOT NULL AND part = first_answer
      THEN replied_at - CASE WHEN way IS DISTINCT FROM 'outbound' THEN started_at ELSE first_asked_at END END AS first,
    replied_at - asked_at AS response,
    CASE WHEN is_ending AND "by" = 'agent' THEN ended_at - received_at END AS handling,
    CASE WHEN is_ending AND part = last_ending AND (last_active IS NULL OR last_active <= part)
      THEN ended_at - started_at END AS resolution,
    held_by
  FROM lived
  WHERE coalesce(replied_at, ended_at) >= $from
),
-- What belongs to who acted, and what belongs to the holder.
owned AS (
  SELECT agent, is_closed, first, response, NULL AS handling, NULL AS resolution FROM moments
  UNION ALL
  SELECT held_by, false, NULL, NULL, handling, resolution FROM moments WHERE handling IS NOT NULL OR resolution IS NOT NULL
)
SELECT agent,
  count(*) FILTER (is_closed) AS closed,
  count(first), avg(epoch_ms(first)), quantile_cont(epoch_ms(first)::DOUBLE, [0.5, 0.9]),
  count(response), avg(epoch_ms(response)), quantile_cont(epoch_ms(response)::DOUBLE, [0.5, 0.9]),
  count(handling), avg(epoch_ms(handling)), quantile_cont(epoch_ms(handling)::DOUBLE, [0.5, 0.9]),
  count(resolution), avg(epoch_ms(resolution)), quantile_cont(epoch_ms(resolution)::DOUBLE, [0.5, 0.9])
FROM owned
WHERE agent IS NOT NULL
GROUP BY agent
ORDER BY agent
