-- A mean is a vector. What has more dimensions than one counts as many components, and nothing can be centred by it: the means of a
-- model that have one are counted anew at its next use.
DELETE FROM agentforge.embedding_centres AS c WHERE EXISTS (
    SELECT FROM agentforge.embedding_centres AS o WHERE o.model_id = c.model_id AND array_ndims(o.mean) <> 1);
ALTER TABLE agentforge.embedding_centres ADD CHECK (array_ndims(mean) = 1);
