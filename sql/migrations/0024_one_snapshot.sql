-- A search sees one state of the database: a function that goes, or comes, between finding it and reading what is shown of it
-- would leave the answer one short. All that a stable function asks sees what the statement sees that called it.
ALTER FUNCTION agentforge.known_neighbours(bigint, integer, bigint[], text, integer) STABLE;
ALTER FUNCTION agentforge.search_vectors(halfvec, integer, bigint[], text, integer, bigint[], boolean) STABLE;
ALTER FUNCTION agentforge.search_features(halfvec, integer, bigint[], text, integer, bigint[]) STABLE;
ALTER FUNCTION agentforge.nearest_functions(
    bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer, boolean) STABLE;
