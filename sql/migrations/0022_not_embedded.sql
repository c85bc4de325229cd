-- A file version that was analysed without embedding its functions (`analyze --embed none`) names no model: an analysis that
-- embeds takes it for one of another model, and looks at it again.
ALTER TABLE agentforge.file_analyses ALTER COLUMN model_id DROP NOT NULL;
UPDATE agentforge.file_analyses AS a SET model_id = NULL
WHERE a.superseded_by IS NULL AND EXISTS (
    SELECT FROM agentforge.functions AS f
    WHERE f.file_analysis_id = a.id
      AND NOT EXISTS (SELECT FROM agentforge.function_embeddings AS e WHERE e.function_id = f.id)
);
