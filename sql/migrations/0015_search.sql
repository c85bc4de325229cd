-- Which analysis first met the code of a function in its branch: what is new since the last one. It is no reference: a number
-- of an analysis that is gone is only one that is not the last, and it costs no index. NULL where it was stored before this.
ALTER TABLE agentforge.functions ADD COLUMN introduced_by bigint;
